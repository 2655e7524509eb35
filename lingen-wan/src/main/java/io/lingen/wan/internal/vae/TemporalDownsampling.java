package io.lingen.wan.internal.vae;

import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Padding;
import io.lingen.wan.internal.vae.CausalClip.Window;

/**
 * The halving of the number of frames. The first frame of a clip stays as it is. Each later pair becomes one frame, computed from the pair
 * and the frame before. Thread-safe.
 */
final class TemporalDownsampling {
    private static final int KEPT = 1;

    private final ConvolutionWeights weights; // [C, C, 3, 1, 1]

    /** Reads {@code weight} and {@code bias}. */
    TemporalDownsampling(ModelWeights weights, int width) {
        this.weights = weights.convolution(
                weights.host("weight", width, width, 3, 1, 1),
                weights.host("bias", width),
                new Dims3(2, 1, 1),
                Padding.NONE);
    }

    /** Frees x [2T, H, W, C], or [2T - 1, H, W, C] in the first piece of a clip, and returns [T, H, W, C]. */
    Tensor apply(Tensor x, CausalClip clip) {
        Backend backend = clip.backend();
        Shape shape = x.shape();
        Tensor out = clip.allocate(shape.withFirst((shape.length(0) + 1) / 2));
        if (clip.isFirstPiece()) {
            backend.copy(x.slice(0, 1), out.slice(0, 1));
            if (shape.length(0) > 1) {
                backend.convolution(x, weights, out.slice(1, out.shape().length(0)));
            }
            clip.keep(this, KEPT, x);
        } else {
            Window window = clip.window(this, KEPT, shape);
            backend.copy(x, window.frames());
            backend.convolution(window.tensor(), weights, out);
            clip.keepAndFree(this, window);
        }
        clip.free(x);
        return out;
    }
}
