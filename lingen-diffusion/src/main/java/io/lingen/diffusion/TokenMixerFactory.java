package io.lingen.diffusion;

import io.lingen.core.layer.ModelWeights;
import io.lingen.mate.TokenMixer;

/** Makes the token mixers of an architecture's blocks. */
interface TokenMixerFactory {
    /**
     * Loads the token mixer of a block.
     *
     * @param block the block's weights
     * @param layer the block's index
     */
    TokenMixer create(ModelWeights block, int layer);
}
