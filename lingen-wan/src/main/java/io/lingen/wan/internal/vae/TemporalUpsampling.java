package io.lingen.wan.internal.vae;

import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Padding;
import io.lingen.wan.internal.vae.CausalClip.Window;

/**
 * The doubling of the number of frames. The first frame of a clip stays as it is. Each later frame becomes two, computed by one convolution
 * each from itself and the two frames before. The first frame of the clip is not among these: zeros take its place. Thread-safe.
 */
final class TemporalUpsampling {
    private static final int KERNEL = 3;
    private static final int KEPT = KERNEL - 1;

    private final ConvolutionWeights earlier; // [C, C, 3, 1, 1]
    private final ConvolutionWeights later; // [C, C, 3, 1, 1]

    /** Reads {@code weight} and {@code bias}. */
    TemporalUpsampling(ModelWeights weights, int width) {
        this.earlier = half(weights, width, 0);
        this.later = half(weights, width, 1);
    }

    private static ConvolutionWeights half(ModelWeights weights, int width, int half) {
        int from = half * width;
        return weights.convolution(
                weights.host("weight", 2L * width, width, KERNEL, 1, 1).slice(from, from + width),
                weights.host("bias", 2L * width).slice(from, from + width),
                Dims3.ONE,
                Padding.NONE);
    }

    /** Frees x [T, H, W, C] and returns [2T, H, W, C], or [2T - 1, H, W, C] in the first piece of a clip. */
    Tensor apply(Tensor x, CausalClip clip) {
        Backend backend = clip.backend();
        long frames = x.shape().length(0);
        int single = clip.isFirstPiece() ? 1 : 0;
        Tensor out = clip.allocate(x.shape().withFirst(2 * frames - single));
        if (single > 0) {
            backend.copy(x.slice(0, single), out.slice(0, single));
        }
        if (single < frames) {
            Tensor doubled = x.slice(single, frames);
            Window window = clip.window(this, KEPT, doubled.shape());
            backend.copy(doubled, window.frames());
            for (long t = 0; t < frames - single; t++) {
                Tensor reached = window.tensor().slice(t, t + KERNEL);
                long target = 2 * t + single;
                backend.convolution(reached, earlier, out.slice(target, target + 1));
                backend.convolution(reached, later, out.slice(target + 1, target + 2));
            }
            clip.keepAndFree(this, window);
        }
        clip.free(x);
        return out;
    }
}
