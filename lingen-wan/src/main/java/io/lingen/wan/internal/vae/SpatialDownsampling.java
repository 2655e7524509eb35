package io.lingen.wan.internal.vae;

import io.lingen.core.Tensor;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Padding;

/** The halving of height and width: a 3x3 convolution of each frame with stride 2. Zeros follow the last row and column. Thread-safe. */
final class SpatialDownsampling {
    private final ConvolutionWeights weights; // [C, C, 1, 3, 3]

    /** Reads {@code weight} and {@code bias}. */
    SpatialDownsampling(ModelWeights weights, int width) {
        this.weights = weights.convolution(
                weights.host("weight", width, width, 3, 3).reshape(width, width, 1, 3, 3),
                weights.host("bias", width),
                new Dims3(1, 2, 2),
                new Padding(0, 0, 0, 1, 0, 1));
    }

    /** Frees x [T, H, W, C] with even H and W and returns [T, H / 2, W / 2, C]. */
    Tensor apply(Tensor x, CausalClip clip) {
        Tensor out = clip.allocate(weights.parameters().outputOf(x.shape()));
        clip.backend().convolution(x, weights, out);
        clip.free(x);
        return out;
    }
}
