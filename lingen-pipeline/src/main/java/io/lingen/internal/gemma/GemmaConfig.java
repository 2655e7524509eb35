package io.lingen.internal.gemma;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.internal.SafeText;
import java.util.List;

/**
 * The configuration of a Gemma 2 network: {@code config.json} in the format of Hugging Face's transformers.
 *
 * @param width the width of the residual stream and of the embeddings
 * @param layers the number of layers
 * @param heads the number of heads of queries
 * @param keyHeads the number of heads of keys and values, a divisor of heads
 * @param headWidth the width of a head, even
 * @param feedForwardWidth the width of the feed-forward layers
 * @param vocabulary the number of token embeddings
 * @param scoreDivisor the square of the number that scores are divided by
 * @param softCap the bound of the magnitude of scores
 * @param window the number of last tokens, the current one included, that a token attends to in even layers
 * @param rotaryBase the base of the wavelengths of rotary positions
 * @param epsilon the addend to the mean square in RMS norms
 */
record GemmaConfig(
        int width,
        int layers,
        int heads,
        int keyHeads,
        int headWidth,
        int feedForwardWidth,
        int vocabulary,
        double scoreDivisor,
        double softCap,
        int window,
        double rotaryBase,
        double epsilon) {
    private static final int MAX_WIDTH = 1 << 16;
    private static final int MAX_FEED_FORWARD_WIDTH = 1 << 18;
    private static final int MAX_HEADS = 1 << 10;
    private static final int MAX_HEAD_WIDTH = 1 << 10;
    private static final int MAX_LAYERS = 1 << 10;
    private static final int MAX_VOCABULARY = 1 << 24;
    private static final double MAX_NUMBER = 1e9;
    private static final double MIN_NUMBER = 1e-9;

    /** The tanh approximation, under its name in transformers. */
    private static final String GELU_TANH = "gelu_pytorch_tanh";

    /**
     * Reads and checks a configuration. Fields that do not concern the hidden states are ignored.
     *
     * @throws CheckpointException if a field is missing, has an unsupported value or is out of range; the message names the field
     */
    static GemmaConfig read(ConfigReader json) {
        requireText(json, "model_type", json.text("model_type"), "gemma2");
        requireText(json, "hidden_activation", json.text("hidden_activation"), GELU_TANH);
        for (String flag : List.of("attention_bias", "use_bidirectional_attention")) {
            if (json.flagOr(flag, false)) {
                throw json.error(flag, true, "false");
            }
        }
        GemmaConfig config = new GemmaConfig(
                json.integer("hidden_size", 1, MAX_WIDTH),
                json.integer("num_hidden_layers", 1, MAX_LAYERS),
                json.integer("num_attention_heads", 1, MAX_HEADS),
                json.integer("num_key_value_heads", 1, MAX_HEADS),
                json.integer("head_dim", 2, MAX_HEAD_WIDTH),
                json.integer("intermediate_size", 1, MAX_FEED_FORWARD_WIDTH),
                json.integer("vocab_size", 1, MAX_VOCABULARY),
                json.number("query_pre_attn_scalar", MIN_NUMBER, MAX_NUMBER),
                json.number("attn_logit_softcapping", MIN_NUMBER, MAX_NUMBER),
                json.integer("sliding_window", 1, Integer.MAX_VALUE),
                rotaryBase(json),
                json.number("rms_norm_eps", 0, 1));
        if (config.heads % config.keyHeads != 0) {
            throw json.error(
                    "num_key_value_heads",
                    config.keyHeads,
                    "a divisor of num_attention_heads, which is " + config.heads);
        }
        if (config.headWidth % 2 != 0) {
            throw json.error("head_dim", config.headWidth, "an even number");
        }
        requireAlternatingLayers(json, config.layers);
        return config;
    }

    /** Newer files have the base among other parameters of the rotation. */
    private static double rotaryBase(ConfigReader json) {
        if (json.has("rope_scaling")) {
            throw json.error("rope_scaling", "a value", "null");
        }
        ConfigReader parameters = json.objectOrNull("rope_parameters");
        if (parameters == null) {
            return json.number("rope_theta", 1, MAX_NUMBER);
        }
        requireText(parameters, "rope_type", parameters.textOr("rope_type", "default"), "default");
        return parameters.number("rope_theta", 1, MAX_NUMBER);
    }

    /** Newer files state which layers have a window. */
    private static void requireAlternatingLayers(ConfigReader json, int layers) {
        if (!json.has("layer_types")) {
            return;
        }
        List<String> types = json.texts("layer_types");
        if (types.size() != layers) {
            throw json.error("layer_types", types.size() + " layers", "num_hidden_layers, which is " + layers);
        }
        for (int l = 0; l < layers; l++) {
            String expected = hasWindow(l) ? "sliding_attention" : "full_attention";
            requireText(json, "layer_types[" + l + "]", types.get(l), expected);
        }
    }

    private static void requireText(ConfigReader json, String field, String found, String supported) {
        if (!found.equals(supported)) {
            throw json.error(field, '"' + SafeText.of(found) + '"', '"' + supported + '"');
        }
    }

    /** Whether the tokens of a layer attend to a window of tokens only. */
    static boolean hasWindow(int layer) {
        return layer % 2 == 0;
    }

    /** The width of the queries of all heads together. */
    int queryWidth() {
        return heads * headWidth;
    }

    /** The width of the keys of all heads together, and of the values. */
    int keyWidth() {
        return keyHeads * headWidth;
    }
}
