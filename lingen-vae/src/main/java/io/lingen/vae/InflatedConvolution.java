package io.lingen.vae;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Padding;
import io.lingen.vae.internal.Activations;

/**
 * An image convolution inflated to videos: 3x3 over each frame, followed directly by 3 along time (specification, section 6). Both pad with
 * zeros. Thread-safe.
 */
final class InflatedConvolution {
    private final ConvolutionWeights spatial; // [out, in, 1, 3, 3]
    private final ConvolutionWeights temporal; // [out, out, 3, 1, 1]

    InflatedConvolution(ModelWeights weights, int in, int out) {
        this(weights, in, out, Dims3.ONE);
    }

    InflatedConvolution(ModelWeights weights, int in, int out, Dims3 stride) {
        this.spatial = weights.convolution(
                weights.host("spatial.weight", out, in, 3, 3).reshape(out, in, 1, 3, 3),
                weights.host("spatial.bias", out),
                new Dims3(1, stride.h(), stride.w()),
                Padding.same(new Dims3(1, 3, 3)));
        this.temporal = weights.convolution(
                weights.host("temporal.weight", out, out, 3).reshape(out, out, 3, 1, 1),
                weights.host("temporal.bias", out),
                new Dims3(stride.t(), 1, 1),
                Padding.same(new Dims3(3, 1, 1)));
    }

    /**
     * Computes the convolution in the memory of the pass. Frees x.
     *
     * @param x [T, H, W, in]
     * @return [T / stride.t, H / stride.h, W / stride.w, out]
     */
    Tensor apply(Tensor x, Activations pass) {
        Tensor frames = overFrames(x, pass); // [T, H', W', out]
        Tensor out = pass.allocate(temporal.parameters().outputOf(frames.shape()));
        overTime(frames, out, pass);
        return out; // [T', H', W', out]
    }

    /**
     * Computes the convolution in F32. Frees x.
     *
     * @param x [T, H, W, in]
     * @param result the owner of the result
     * @return [T / stride.t, H / stride.h, W / stride.w, out]
     */
    Tensor apply(Tensor x, Activations pass, Workspace result) {
        Tensor frames = overFrames(x, pass);
        Tensor out = result.allocate(DType.F32, temporal.parameters().outputOf(frames.shape()));
        overTime(frames, out, pass);
        return out;
    }

    private Tensor overFrames(Tensor x, Activations pass) {
        Tensor frames = pass.allocate(spatial.parameters().outputOf(x.shape()));
        pass.backend().convolution(x, spatial, frames);
        pass.free(x);
        return frames;
    }

    private void overTime(Tensor frames, Tensor out, Activations pass) {
        pass.backend().convolution(frames, temporal, out);
        pass.free(frames);
    }
}
