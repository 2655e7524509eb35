package io.lingen.diffusion;

import io.lingen.core.layer.ModelWeights;
import io.lingen.mate.MateBlock;
import io.lingen.mate.TokenMixer;
import java.util.Objects;

/** LinGen's denoiser: every block mixes its tokens by MATE, at a cost linear in their number. */
public final class LinGenTransformer extends VideoTransformer {
    LinGenTransformer(ModelWeights weights, TransformerConfig config) {
        super(weights, config);
    }

    @Override
    TokenMixer mixer(ModelWeights block, TransformerConfig config, int layer) {
        return new MateBlock(block, Objects.requireNonNull(config.mate()), config.hiddenSize(), config.heads(), layer);
    }
}
