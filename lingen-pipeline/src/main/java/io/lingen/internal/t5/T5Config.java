package io.lingen.internal.t5;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;

/**
 * The configuration of a T5 encoder: {@code config.json} in the format of Hugging Face's transformers.
 *
 * @param modelType the member of the family
 * @param modelWidth the width of the residual stream and of the embeddings
 * @param heads the number of attention heads
 * @param headWidth the width of a head; heads * headWidth may differ from modelWidth
 * @param feedForwardWidth the width of the feed-forward layers
 * @param layers the number of layers
 * @param vocabulary the number of token embeddings
 * @param buckets the number of buckets of relative positions, of both directions together
 * @param maxDistance the distance from which on all positions share the last bucket of their direction
 * @param epsilon the addend to the mean square in RMS norms
 */
record T5Config(
        ModelType modelType,
        int modelWidth,
        int heads,
        int headWidth,
        int feedForwardWidth,
        int layers,
        int vocabulary,
        int buckets,
        int maxDistance,
        double epsilon) {
    private static final int MAX_WIDTH = 1 << 16;
    private static final int MAX_FEED_FORWARD_WIDTH = 1 << 18;
    private static final int MAX_HEADS = 1 << 10;
    private static final int MAX_HEAD_WIDTH = 1 << 10;
    private static final int MAX_LAYERS = 1 << 10;
    private static final int MAX_VOCABULARY = 1 << 24;
    private static final int MAX_DISTANCE = 1 << 20;
    private static final String GATED_GELU = "gated-gelu";
    /** The tanh approximation, under its name in transformers. */
    private static final String GELU_TANH = "gelu_new";

    /** The members of the family. */
    enum ModelType {
        /** T5 v1.1: all layers share the position biases of the first one. */
        T5,
        /** UMT5: every layer has its own position biases. */
        UMT5
    }

    /**
     * Reads and checks a configuration. Fields that do not concern the encoder are ignored.
     *
     * @throws CheckpointException if a field is missing, has an unsupported value or is out of range; the message names the field
     */
    static T5Config read(ConfigReader json) {
        requireText(json, "feed_forward_proj", GATED_GELU);
        if (json.has("dense_act_fn")) {
            requireText(json, "dense_act_fn", GELU_TANH);
        }
        T5Config config = new T5Config(
                json.choice("model_type", ModelType.class),
                json.integer("d_model", 1, MAX_WIDTH),
                json.integer("num_heads", 1, MAX_HEADS),
                json.integer("d_kv", 1, MAX_HEAD_WIDTH),
                json.integer("d_ff", 1, MAX_FEED_FORWARD_WIDTH),
                json.integer("num_layers", 1, MAX_LAYERS),
                json.integer("vocab_size", 1, MAX_VOCABULARY),
                json.integerOr("relative_attention_num_buckets", 32, 4, 1 << 12),
                json.integerOr("relative_attention_max_distance", 128, 2, MAX_DISTANCE),
                json.numberOr("layer_norm_epsilon", 1e-6, 0, 1));
        int exact = config.exactDistances();
        if (config.maxDistance <= exact) {
            throw json.error(
                    "relative_attention_max_distance",
                    config.maxDistance,
                    "more than " + exact + ", a quarter of relative_attention_num_buckets");
        }
        return config;
    }

    private static void requireText(ConfigReader json, String field, String supported) {
        String found = json.text(field);
        if (!found.equals(supported)) {
            throw json.error(field, found, '"' + supported + '"');
        }
    }

    /** The width of queries, keys and values of all heads together. */
    int attentionWidth() {
        return heads * headWidth;
    }

    /** The number of distances, from 0, that have a bucket of their own. */
    int exactDistances() {
        return buckets / 2 / 2;
    }

    /** Whether every layer has its own position biases. */
    boolean hasBiasPerLayer() {
        return modelType == ModelType.UMT5;
    }
}
