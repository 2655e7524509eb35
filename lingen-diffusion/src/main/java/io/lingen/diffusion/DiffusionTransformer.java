package io.lingen.diffusion;

import io.lingen.core.DType;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.WeightReader;
import io.lingen.mate.TokenMixer;

/** The baseline: the same blocks with full self-attention in place of MATE, at a cost quadratic in the number of tokens. */
public final class DiffusionTransformer extends VideoTransformer {
    DiffusionTransformer(
            Backend backend, Workspace weights, WeightReader reader, TransformerConfig config, DType precision) {
        super(backend, weights, reader, config, precision);
    }

    @Override
    TokenMixer mixer(
            Backend backend,
            Workspace weights,
            WeightReader block,
            TransformerConfig config,
            int layer,
            DType precision) {
        return new SelfAttention(backend, weights, block.under("attn."), config, precision);
    }
}
