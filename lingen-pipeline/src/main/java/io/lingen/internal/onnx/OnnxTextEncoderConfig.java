package io.lingen.internal.onnx;

import io.lingen.core.checkpoint.ConfigReader;
import org.jspecify.annotations.Nullable;

/**
 * The configuration of an ONNX text encoder, {@code config.json} of its component.
 *
 * @param model {@code embedded:NAME} for the resources {@code NAME.onnx} and {@code NAME-tokenizer.json} of the class path, or the path of
 *     an .onnx file relative to the component
 * @param tokenizer the path of a tokenizer.json relative to the component; not used for an embedded model
 * @param maxTokens the largest number of tokens, including special tokens
 * @param width the length of an embedding vector
 * @param inputs the names of the inputs in the ONNX file
 * @param output the name of the last hidden state in the ONNX file; null for the first output of shape [1, L, width]
 */
public record OnnxTextEncoderConfig(
        String model,
        String tokenizer,
        int maxTokens,
        int width,
        InputNames inputs,
        @Nullable String output) {
    static final String EMBEDDED = "embedded:";

    /** The required extension: ONNX Runtime selects other formats by other extensions. */
    private static final String ENDING = ".onnx";

    /** The largest number of elements of an embedding, for example 4096 vectors of width 16384. */
    private static final long MAX_VALUES = 1L << 26;

    /**
     * The names of the inputs in an ONNX file, each I64 [1, L].
     *
     * @param inputIds the token ids
     * @param attentionMask the mask, if the model has this input
     * @param tokenTypeIds the segment ids, if the model has this input
     */
    public record InputNames(String inputIds, String attentionMask, String tokenTypeIds) {}

    /**
     * Reads and checks a configuration.
     *
     * @param json the configuration file
     * @return the configuration
     * @throws io.lingen.core.checkpoint.CheckpointException if a field is missing, unknown or out of range
     */
    public static OnnxTextEncoderConfig read(ConfigReader json) {
        ConfigReader inputs = json.objectOrNull("inputs");
        OnnxTextEncoderConfig config = new OnnxTextEncoderConfig(
                json.text("model"),
                json.textOr("tokenizer", "tokenizer.json"),
                json.integer("max_tokens", 3, 1 << 16),
                json.integer("width", 1, 1 << 16),
                inputs == null
                        ? new InputNames("input_ids", "attention_mask", "token_type_ids")
                        : new InputNames(
                                inputs.textOr("input_ids", "input_ids"),
                                inputs.textOr("attention_mask", "attention_mask"),
                                inputs.textOr("token_type_ids", "token_type_ids")),
                json.has("output") ? json.text("output") : null);
        if (inputs != null) {
            inputs.end();
        }
        if (!config.isEmbedded() && !config.model().endsWith(ENDING)) {
            throw json.error("model", config.model(), "\"" + EMBEDDED + "NAME\" or the path of an " + ENDING + " file");
        }
        if (config.isEmbedded() && !config.embeddedName().matches("[A-Za-z0-9][A-Za-z0-9._-]*")) {
            throw json.error("model", config.model(), "the plain name of a resource after \"" + EMBEDDED + '"');
        }
        long values = (long) config.maxTokens() * config.width();
        if (values > MAX_VALUES) {
            throw json.error(
                    "max_tokens", config.maxTokens(), "at most " + MAX_VALUES / config.width() + " with that width");
        }
        json.end();
        return config;
    }

    /** {@return whether the encoder is a resource of the class path instead of a file of the model} */
    public boolean isEmbedded() {
        return model.startsWith(EMBEDDED);
    }

    String embeddedName() {
        return model.substring(EMBEDDED.length());
    }
}
