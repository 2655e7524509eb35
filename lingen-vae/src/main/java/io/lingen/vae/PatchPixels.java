package io.lingen.vae;

import io.lingen.core.Backend;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;

/**
 * Puts the pixels of patches in place: from [1, H / ph, W / pw, 3 * patch cells], each patch flattened as (channel, t, h, w), to the patch's
 * frames [H, W, 3] one after the other. Where two tiles share a frame, the later one is blended with the earlier. Its arrays serve every frame
 * again: the garbage of a long clip of large frames would make the Java heap many times as large as they are. Used by one thread.
 */
final class PatchPixels {
    private static final int CHANNELS = 3;

    private final PatchSize patch;
    private final int rows;
    private final int columns;
    private final float[] later;
    private final float[] earlier;
    private final float[] frame;
    private boolean blends;

    /** @param size the clip's frames, rows and columns */
    PatchPixels(PatchSize patch, Grid size) {
        this.patch = patch;
        this.rows = size.h() / patch.h();
        this.columns = size.w() / patch.w();
        int values = Math.toIntExact(patches(1).elements());
        this.later = new float[values];
        this.earlier = new float[values];
        this.frame = new float[values / patch.t()];
    }

    PatchSize patch() {
        return patch;
    }

    /** The shape of {@code count} steps of patches. */
    Shape patches(int count) {
        return Shape.of(count, rows, columns, (long) CHANNELS * patch.cells());
    }

    /** Sets the patches that the next frames come from, with nothing to blend. */
    void setPatches(Backend backend, Tensor patches) {
        backend.download(patches, later);
        blends = false;
    }

    /** Sets what these frames are blended with. */
    void setEarlierPatches(Backend backend, Tensor patches) {
        backend.download(patches, earlier);
        blends = true;
    }

    /**
     * A frame of the patches.
     *
     * @param t the frame within the patch
     * @param weight that of the later patches where there are earlier ones
     * @return [H, W, 3], until the next call
     */
    float[] frame(int t, float weight) {
        int width = columns * patch.w();
        int source = 0;
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                for (int channel = 0; channel < CHANNELS; channel++) {
                    int cell = source + (channel * patch.t() + t) * patch.h() * patch.w();
                    for (int h = 0; h < patch.h(); h++) {
                        int pixel = (row * patch.h() + h) * width + column * patch.w();
                        for (int w = 0; w < patch.w(); w++) {
                            frame[(pixel + w) * CHANNELS + channel] = value(cell++, weight);
                        }
                    }
                }
                source += CHANNELS * patch.cells();
            }
        }
        return frame;
    }

    private float value(int index, float weight) {
        return blends ? earlier[index] + weight * (later[index] - earlier[index]) : later[index];
    }
}
