package io.lingen.wan.internal.vae;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Padding;
import io.lingen.wan.internal.vae.CausalClip.Window;

/**
 * A 3x3x3 convolution that reads the current and the two frames before. Zeros surround each frame and precede the first. Thread-safe.
 */
final class CausalConvolution {
    private static final int KERNEL = 3;
    /** The frames before the current one that the kernel reaches. */
    private static final int KEPT = KERNEL - 1;

    private final ConvolutionWeights weights; // [out, in, 3, 3, 3]

    /** Reads {@code weight} and {@code bias}. */
    CausalConvolution(ModelWeights weights, int in, int out) {
        this.weights = weights.convolution(
                weights.host("weight", out, in, KERNEL, KERNEL, KERNEL),
                weights.host("bias", out),
                Dims3.ONE,
                new Padding(0, 0, 1, 1, 1, 1));
    }

    /**
     * Allocates the input of a piece. The caller writes {@link Window#frames} and passes the window to {@link #apply}.
     *
     * @param frames the shape [T, H, W, in]
     */
    Window input(Shape frames, CausalClip clip) {
        return clip.window(this, KEPT, frames);
    }

    /** Computes a piece [T, H, W, out] and frees its input. */
    Tensor apply(Window input, CausalClip clip) {
        Tensor out = clip.allocate(weights.parameters().outputOf(input.tensor().shape()));
        apply(input, out, clip);
        return out;
    }

    /** Computes a piece [T, H, W, out] in F32 and frees its input. */
    Tensor applyInF32(Window input, CausalClip clip) {
        Tensor out = clip.allocate(
                DType.F32, weights.parameters().outputOf(input.tensor().shape()));
        apply(input, out, clip);
        return out;
    }

    private void apply(Window input, Tensor out, CausalClip clip) {
        clip.backend().convolution(input.tensor(), weights, out);
        clip.keepAndFree(this, input);
    }
}
