package io.lingen.internal.onnx;

import io.lingen.core.checkpoint.ConfigReader;
import org.jspecify.annotations.Nullable;

/**
 * Where an ONNX text encoder comes from: {@code config.json} of its component.
 *
 * @param model {@code embedded:NAME} for the resources {@code NAME.onnx} and {@code NAME-tokenizer.json} of the class path, or the path of
 *     an .onnx file relative to the component
 * @param tokenizer the path of a tokenizer.json relative to the component; not read for an embedded model
 * @param maxTokens the token cap, special tokens included
 * @param width the width of the vectors
 * @param inputs what the file calls its inputs
 * @param output what the file calls its last hidden state; null for its first output of the form [1, L, width]
 */
public record OnnxTextEncoderConfig(
        String model,
        String tokenizer,
        int maxTokens,
        int width,
        InputNames inputs,
        @Nullable String output) {
    static final String EMBEDDED = "embedded:";

    /** Another ending could select another format of the runtime. */
    private static final String ENDING = ".onnx";

    /** A prompt's vectors: 4096 of width 16384. */
    private static final long MAX_VALUES = 1L << 26;

    /** What an ONNX file calls its inputs, each I64 [1, L]; the last two are fed only if the file has them. */
    public record InputNames(String inputIds, String attentionMask, String tokenTypeIds) {}

    /** Reads and checks a configuration. */
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

    /** Whether the encoder comes from the class path and not from the model. */
    public boolean isEmbedded() {
        return model.startsWith(EMBEDDED);
    }

    String embeddedName() {
        return model.substring(EMBEDDED.length());
    }
}
