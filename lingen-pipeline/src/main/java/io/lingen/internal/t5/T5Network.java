package io.lingen.internal.t5;

import io.lingen.core.Tensor;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.layer.ModelWeights;
import io.lingen.internal.text.EncoderNetwork;
import org.jspecify.annotations.Nullable;

/**
 * The encoder of T5 v1.1 (Raffel et al. 2020; Shazeer 2020) or UMT5 (Chung et al. 2023). Immutable and thread-safe.
 *
 * @param config the sizes
 */
record T5Network(T5Config config) implements EncoderNetwork {
    private static final String SHARED = "shared.weight";
    private static final String EMBEDDING = "encoder.embed_tokens.weight";

    /**
     * Reads and checks a configuration.
     *
     * @throws io.lingen.core.checkpoint.CheckpointException as {@link T5Config#read}
     */
    static T5Network read(ConfigReader json) {
        return new T5Network(T5Config.read(json));
    }

    @Override
    public int width() {
        return config.modelWidth();
    }

    @Override
    public int vocabulary() {
        return config.vocabulary();
    }

    @Override
    public int layers() {
        return config.layers();
    }

    @Override
    public long largestMatrix() {
        return (long) Math.max(config.feedForwardWidth(), config.attentionWidth()) * config.modelWidth();
    }

    @Override
    public float epsilon() {
        return (float) config.epsilon();
    }

    @Override
    public Tensor embed(ModelWeights weights, long[] ids) {
        // Some checkpoints have both names for the same embeddings.
        String name = weights.has(SHARED) ? SHARED : EMBEDDING;
        return weights.rows(name, ids, config.vocabulary(), config.modelWidth());
    }

    @Override
    public LayerReader layerReader() {
        return new BlockReader();
    }

    private final class BlockReader implements LayerReader {
        private @Nullable PositionBias bias;

        @Override
        public Layer read(ModelWeights weights, int layer) {
            ModelWeights ofLayer = weights.under("encoder.block." + layer);
            PositionBias current = bias;
            if (current == null || config.hasBiasPerLayer()) {
                current = new PositionBias(ofLayer.under("layer.0.SelfAttention"), config);
                bias = current;
            }
            return new T5Block(ofLayer, config, current);
        }
    }

    @Override
    public Tensor finalNorm(ModelWeights weights) {
        return weights.vector("encoder.final_layer_norm.weight", config.modelWidth());
    }

    @Override
    public void ignoreOthers(ModelWeights weights) {
        weights.ignore("encoder.embed_tokens");
        weights.ignore("decoder");
        weights.ignore("lm_head");
    }
}
