package io.lingen.internal.tokenizer;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;

/** Reader of the texts and patterns of normalizers and pre-tokenizers. */
final class PatternReader {
    private static final int MAX_LENGTH = 1000;

    private PatternReader() {}

    /**
     * Reads the field {@code pattern}: a string or a regular expression.
     *
     * @throws CheckpointException if it is neither, or can't be matched in linear time
     */
    static Pattern read(ConfigReader json) {
        ConfigReader pattern = json.object("pattern");
        if (pattern.has("String")) {
            int[] text = text(pattern, "String");
            if (text.length == 0) {
                throw pattern.error("String", "\"\"", "a text that is not empty");
            }
            return Pattern.of(text);
        }
        String regex = pattern.text("Regex");
        try {
            return RegexParser.compile(regex);
        } catch (IllegalArgumentException e) {
            throw pattern.error("Regex", regex, "a pattern, which " + e.getMessage());
        }
    }

    /** Reads a text like {@link #string}, as code points. */
    static int[] text(ConfigReader json, String field) {
        return string(json, field).codePoints().toArray();
    }

    /**
     * Reads a text without unpaired surrogates.
     *
     * @throws CheckpointException if it is missing, too long or has an unpaired surrogate
     */
    static String string(ConfigReader json, String field) {
        String text = json.text(field);
        if (text.length() > MAX_LENGTH || Characters.hasSurrogate(text)) {
            throw json.error(
                    field, text, "a text of at most " + MAX_LENGTH + " characters without unpaired surrogates");
        }
        return text;
    }
}
