package io.lingen.vae;

import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.ModelWeights;

/**
 * Group norm with statistics per frame, never over several frames. Therefore the result for a frame does not depend on how a video is cut
 * into tiles. Thread-safe.
 */
final class FrameNorm {
    private final Tensor weight; // [C]
    private final Tensor bias; // [C]
    private final int groups;
    private final float epsilon;

    FrameNorm(ModelWeights weights, AutoencoderConfig config, int width) {
        this.weight = weights.vector("weight", width);
        this.bias = weights.vector("bias", width);
        this.groups = config.normGroups();
        this.epsilon = config.normEpsilon();
    }

    /** Computes out = norm(x). Both are [T, H, W, C]; out may be x. */
    void apply(Tensor x, Tensor out, Backend backend) {
        backend.groupNorm(x, groups, weight, bias, epsilon, false, out);
    }

    /** Computes out = SiLU(norm(x)). Both are [T, H, W, C]; out may be x. */
    void applyWithSilu(Tensor x, Tensor out, Backend backend) {
        backend.groupNorm(x, groups, weight, bias, epsilon, true, out);
    }
}
