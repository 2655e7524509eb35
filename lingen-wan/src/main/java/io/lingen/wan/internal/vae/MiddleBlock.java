package io.lingen.wan.internal.vae;

import io.lingen.core.Tensor;
import io.lingen.core.layer.ModelWeights;

/** The layers at latent resolution: a residual block, attention within frames, and a second residual block. Thread-safe. */
final class MiddleBlock {
    private final CausalResidualBlock first;
    private final FrameAttention attention;
    private final CausalResidualBlock second;

    MiddleBlock(ModelWeights weights, int width) {
        this.first = new CausalResidualBlock(weights.under("resnets.0"), width, width);
        this.attention = new FrameAttention(weights.under("attentions.0"), width);
        this.second = new CausalResidualBlock(weights.under("resnets.1"), width, width);
    }

    /** Frees x [T, H, W, C] and returns [T, H, W, C]. */
    Tensor apply(Tensor x, CausalClip clip) {
        Tensor h = first.apply(x, clip);
        clip.tap("mid.res.0", h);
        attention.apply(h, clip);
        clip.tap("mid.attn", h);
        h = second.apply(h, clip);
        clip.tap("mid", h);
        return h;
    }
}
