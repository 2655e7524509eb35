package io.lingen.diffusion;

import io.lingen.core.DType;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.WeightReader;
import io.lingen.mate.MateBlock;
import io.lingen.mate.TokenMixer;
import java.util.Objects;

/** LinGen's denoiser: every block mixes its tokens by MATE, at a cost linear in their number. */
public final class LinGenTransformer extends VideoTransformer {
    LinGenTransformer(
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
        return new MateBlock(
                backend,
                weights,
                block,
                Objects.requireNonNull(config.mate()),
                config.hiddenSize(),
                config.heads(),
                layer,
                precision);
    }
}
