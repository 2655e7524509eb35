package io.lingen.vae;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import org.jspecify.annotations.Nullable;

/**
 * The rearrangement of decoded patches into frames on the backend. Patches [1, H / ph, W / pw, 3 * patch cells], each flattened as
 * (channel, t, h, w), become the frames [H, W, 3] of that patch, one after the other. A frame that two tiles share is blended from both.
 * The tensors are reused for every frame. Used by one thread.
 */
final class PatchPixels {
    private static final int CHANNELS = 3;

    private final Backend backend;
    private final PatchSize patch;
    private final Grid size;
    private final @Nullable Arranged later;
    private final @Nullable Arranged earlier;
    private final @Nullable Tensor blended;
    private @Nullable Tensor laterFrames;
    private @Nullable Tensor earlierFrames;

    /**
     * Allocates the tensors.
     *
     * @param memory the owner of the tensors
     * @param size the frames, rows and columns of the video
     * @param blends whether frames will be blended
     */
    PatchPixels(Backend backend, Workspace memory, PatchSize patch, Grid size, boolean blends) {
        this.backend = backend;
        this.patch = patch;
        this.size = size;
        boolean arranges = patch.cells() > 1;
        this.later = arranges ? new Arranged(memory) : null;
        this.earlier = arranges && blends ? new Arranged(memory) : null;
        this.blended = blends ? memory.allocate(DType.F32, framesOf(1)) : null;
    }

    PatchSize patch() {
        return patch;
    }

    /** {@return the shape of {@code count} steps of patches} */
    Shape patches(int count) {
        return Shape.of(count, size.h() / patch.h(), size.w() / patch.w(), (long) CHANNELS * patch.cells());
    }

    private Shape framesOf(int count) {
        return Shape.of(count, size.h(), size.w(), CHANNELS);
    }

    /** Sets the patches of the next frames, without blending. They must stay unchanged until the next call. */
    void setPatches(Tensor patches) {
        laterFrames = later == null ? patches : later.set(patches);
        earlierFrames = null;
    }

    /** Sets the earlier patches that the next frames are blended with. */
    void setEarlierPatches(Tensor patches) {
        earlierFrames = earlier == null ? patches : earlier.set(patches);
    }

    /**
     * Computes a frame of the patches.
     *
     * @param t the frame within the patch
     * @param weight the weight of the later patches, if there are earlier ones
     * @return [1, H, W, 3], valid until the next call
     */
    Tensor frame(int t, float weight) {
        if (laterFrames == null) {
            throw new IllegalStateException("patches must be set before a frame is taken, found none");
        }
        Tensor frame = laterFrames.slice(t, t + 1);
        if (earlierFrames == null || blended == null) {
            return frame;
        }
        backend.interpolate(earlierFrames.slice(t, t + 1), frame, weight, blended);
        return blended;
    }

    /** One step of patches, rearranged into frames. */
    private final class Arranged {
        private final Tensor planes; // [3, patch.t, H, W]
        private final Tensor frames; // [patch.t, H, W, 3]

        Arranged(Workspace memory) {
            planes = memory.allocate(DType.F32, CHANNELS, patch.t(), size.h(), size.w());
            frames = memory.allocate(DType.F32, framesOf(patch.t()));
        }

        Tensor set(Tensor patches) {
            backend.unpatchify(patches, patch, planes);
            backend.patchify(planes, PatchSize.ONE, frames);
            return frames;
        }
    }
}
