package io.lingen.vae;

import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import org.jspecify.annotations.Nullable;

/**
 * Puts the pixels of patches in place: from [1, H / ph, W / pw, 3 * patch cells], each patch flattened as (channel, t, h, w), to the patch's
 * frames [H, W, 3] one after the other. Where two tiles share a frame, the later one is blended with the earlier. Used by one thread.
 */
final class PatchPixels {
    private static final int CHANNELS = 3;

    private final PatchSize patch;
    private final int rows;
    private final int columns;
    private float[] later = new float[0];
    private float @Nullable [] earlier;

    /** @param size the clip's frames, rows and columns */
    PatchPixels(PatchSize patch, Grid size) {
        this.patch = patch;
        this.rows = size.h() / patch.h();
        this.columns = size.w() / patch.w();
    }

    PatchSize patch() {
        return patch;
    }

    /** The shape of {@code count} steps of patches. */
    Shape patches(int count) {
        return Shape.of(count, rows, columns, (long) CHANNELS * patch.cells());
    }

    /** Sets the patches that the next frames come from, with nothing to blend. */
    void setPatches(HostTensor patches) {
        later = patches.toFloats();
        earlier = null;
    }

    /** Sets what these frames are blended with. */
    void setEarlierPatches(HostTensor patches) {
        earlier = patches.toFloats();
    }

    /**
     * A frame of the patches.
     *
     * @param t the frame within the patch
     * @param weight that of the later patches where there are earlier ones
     * @return [H, W, 3]
     */
    float[] frame(int t, float weight) {
        int width = columns * patch.w();
        float[] frame = new float[rows * patch.h() * width * CHANNELS];
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
        return earlier == null ? later[index] : earlier[index] + weight * (later[index] - earlier[index]);
    }
}
