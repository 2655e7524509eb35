package io.lingen.diffusion;

import io.lingen.core.layer.ModelWeights;
import io.lingen.mate.TokenMixer;

/** A factory of the token mixers of an architecture's blocks. */
interface TokenMixerFactory {
    /**
     * Loads the token mixer of a block.
     *
     * @param block the weights of the block
     * @param layer the index of the block
     */
    TokenMixer create(ModelWeights block, int layer);
}
