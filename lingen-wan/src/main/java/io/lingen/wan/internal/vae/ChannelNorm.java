package io.lingen.wan.internal.vae;

import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.ModelWeights;

/** A norm over the channels of each cell: out = x / |x| * sqrt(C) * gamma. Thread-safe. */
final class ChannelNorm {
    private final Tensor gamma; // [C]
    private final float epsilon;

    /**
     * Reads {@code gamma}.
     *
     * @param shape the shape of gamma in the file; its first length is C
     */
    private ChannelNorm(ModelWeights weights, long... shape) {
        long width = shape[0];
        this.gamma = weights.tensor("gamma", shape).reshape(Shape.of(width));
        // The published code divides by max(|x|, 1e-12). The root of the mean square is |x| / sqrt(C), so this epsilon
        // keeps the divisor
        // above the same limit.
        this.epsilon = (float) (1e-24 / width);
    }

    /** {@return a norm within a frame's attention, whose gamma is [C, 1, 1]} */
    static ChannelNorm ofImage(ModelWeights weights, int width) {
        return new ChannelNorm(weights, width, 1, 1);
    }

    /** {@return a norm among 3-D convolutions, whose gamma is [C, 1, 1, 1]} */
    static ChannelNorm ofVideo(ModelWeights weights, int width) {
        return new ChannelNorm(weights, width, 1, 1, 1);
    }

    /** Computes out = norm(x). Both are [T, H, W, C]; out may be x. */
    void apply(Tensor x, Tensor out, Backend backend) {
        backend.rmsNorm(x, gamma, epsilon, false, out);
    }

    /** Computes out = SiLU(norm(x)). Both are [T, H, W, C]; out may be x. */
    void applyWithSilu(Tensor x, Tensor out, Backend backend) {
        backend.rmsNorm(x, gamma, epsilon, true, out);
    }
}
