package io.lingen.wan.internal.vae;

import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Padding;

/** The doubling of height and width: nearest-neighbor upsampling, followed by a 3x3 convolution of each frame. Thread-safe. */
final class SpatialUpsampling {
    private static final Dims3 FACTOR = new Dims3(1, 2, 2);

    private final ConvolutionWeights weights; // [out, in, 1, 3, 3]

    /** Reads {@code weight} and {@code bias}. */
    SpatialUpsampling(ModelWeights weights, int in, int out) {
        this.weights = weights.convolution(
                weights.host("weight", out, in, 3, 3).reshape(out, in, 1, 3, 3),
                weights.host("bias", out),
                Dims3.ONE,
                new Padding(0, 0, 1, 1, 1, 1));
    }

    /** Frees x [T, H, W, in] and returns [T, 2H, 2W, out]. */
    Tensor apply(Tensor x, CausalClip clip) {
        Backend backend = clip.backend();
        Shape shape = x.shape();
        // The upsampled input is the largest tensor of the network, so only one of its frames exists at a time.
        Tensor enlarged =
                clip.allocate(Shape.of(1, FACTOR.h() * shape.length(1), FACTOR.w() * shape.length(2), shape.last()));
        Shape frame = weights.parameters().outputOf(enlarged.shape());
        Tensor out = clip.allocate(frame.withFirst(shape.length(0)));
        for (long t = 0; t < shape.length(0); t++) {
            backend.upsampleNearest(x.slice(t, t + 1), FACTOR, enlarged);
            backend.convolution(enlarged, weights, out.slice(t, t + 1));
        }
        clip.free(enlarged);
        clip.free(x);
        return out;
    }
}
