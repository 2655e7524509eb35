package io.lingen.vae;

import io.lingen.core.ConvolutionWeights;
import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.op.Grid;

/**
 * A 2-D convolution made one of videos: 3x3 over each frame, then 3 along time, nothing between (specification, section 6). Both pad with
 * zeros. Thread-safe.
 */
final class InflatedConvolution {
    private static final Grid STEP = new Grid(1, 1, 1);

    private final ConvolutionWeights spatial;
    private final ConvolutionWeights temporal;

    private InflatedConvolution(ConvolutionWeights spatial, ConvolutionWeights temporal) {
        this.spatial = spatial;
        this.temporal = temporal;
    }

    static InflatedConvolution read(LayerReader reader, int in, int out) {
        return read(reader, in, out, STEP);
    }

    static InflatedConvolution read(LayerReader reader, int in, int out, Grid stride) {
        return new InflatedConvolution(
                reader.spatial("spatial", in, out, stride.h(), stride.w()),
                reader.temporal("temporal", out, stride.t()));
    }

    /** Frees x [T, H, W, in]; returns [T / stride.t, H / stride.h, W / stride.w, out]. */
    Tensor apply(Tensor x, Activations pass) {
        return apply(x, pass.dtype(), pass);
    }

    /** As the other, with a result of another type. */
    Tensor apply(Tensor x, DType type, Activations pass) {
        Tensor frames = pass.allocate(spatial.source().outputOf(x.shape()));
        pass.backend().convolution(x, spatial, frames); // [T, H', W', out]
        pass.free(x);
        Tensor out = pass.allocate(type, temporal.source().outputOf(frames.shape()));
        pass.backend().convolution(frames, temporal, out); // [T', H', W', out]
        pass.free(frames);
        return out;
    }
}
