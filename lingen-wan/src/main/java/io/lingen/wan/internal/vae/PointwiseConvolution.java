package io.lingen.wan.internal.vae;

import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;

/** Convolutions whose kernel is one cell. They are linear layers over the channels. */
final class PointwiseConvolution {
    private PointwiseConvolution() {}

    /** Reads {@code weight} [out, in, 1, 1, 1] and {@code bias} [out]. */
    static Linear ofVideo(ModelWeights weights, int in, int out) {
        return weights.linear(weights.host("weight", out, in, 1, 1, 1).reshape(out, in), weights.host("bias", out));
    }

    /** Reads {@code weight} [out, in, 1, 1] and {@code bias} [out]. */
    static Linear ofImage(ModelWeights weights, int in, int out) {
        return weights.linear(weights.host("weight", out, in, 1, 1).reshape(out, in), weights.host("bias", out));
    }
}
