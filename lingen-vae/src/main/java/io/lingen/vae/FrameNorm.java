package io.lingen.vae;

import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;

/**
 * Group norm with the statistics of each frame alone, never of several: what a frame becomes then does not depend on how a clip is cut
 * into tiles. Thread-safe.
 */
final class FrameNorm {
    private final Tensor weight;
    private final Tensor bias;
    private final int groups;
    private final float epsilon;

    private FrameNorm(Tensor weight, Tensor bias, int groups, float epsilon) {
        this.weight = weight;
        this.bias = bias;
        this.groups = groups;
        this.epsilon = epsilon;
    }

    static FrameNorm read(LayerReader reader, AutoencoderConfig config, int width) {
        return new FrameNorm(
                reader.parameter("weight", width),
                reader.parameter("bias", width),
                config.normGroups(),
                config.normEpsilon());
    }

    /** out = norm(x); both [T, H, W, C], out may be x. */
    void apply(Tensor x, Tensor out, Backend backend) {
        backend.groupNorm(x, groups, weight, bias, epsilon, false, out);
    }

    /** out = SiLU(norm(x)); both [T, H, W, C], out may be x. */
    void applyWithSilu(Tensor x, Tensor out, Backend backend) {
        backend.groupNorm(x, groups, weight, bias, epsilon, true, out);
    }
}
