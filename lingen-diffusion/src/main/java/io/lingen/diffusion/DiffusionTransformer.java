package io.lingen.diffusion;

import io.lingen.core.layer.ModelWeights;
import io.lingen.mate.TokenMixer;

/** The baseline: the same blocks with full self-attention in place of MATE, at a cost quadratic in the number of tokens. */
public final class DiffusionTransformer extends VideoTransformer {
    DiffusionTransformer(ModelWeights weights, TransformerConfig config) {
        super(weights, config);
    }

    @Override
    TokenMixer mixer(ModelWeights block, TransformerConfig config, int layer) {
        return new SelfAttention(block.under("attn"), config);
    }
}
