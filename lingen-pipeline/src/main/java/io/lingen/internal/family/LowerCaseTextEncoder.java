package io.lingen.internal.family;

import io.lingen.diffusion.TextEmbedding;
import io.lingen.text.TextEncoder;
import java.util.List;
import java.util.Locale;

/**
 * A text encoder of prompts in lower case, without surrounding spaces, as Latte's text model was trained.
 *
 * @param encoder encodes the prompts; closed with this
 */
record LowerCaseTextEncoder(TextEncoder encoder) implements TextEncoder {
    @Override
    public String name() {
        return encoder.name();
    }

    @Override
    public int width() {
        return encoder.width();
    }

    @Override
    public int maxTokens() {
        return encoder.maxTokens();
    }

    @Override
    public String normalize(Prompt prompt) {
        return encoder.normalize(cleaned(prompt));
    }

    @Override
    public List<TextEmbedding> encode(List<Prompt> prompts, Progress progress) {
        return encoder.encode(
                prompts.stream().map(LowerCaseTextEncoder::cleaned).toList(), progress);
    }

    private static Prompt cleaned(Prompt prompt) {
        return new Prompt(lowerCase(prompt.text()), prompt.negative());
    }

    /** {@return a text in lower case, without surrounding spaces} */
    static String lowerCase(String text) {
        return text.toLowerCase(Locale.ROOT).strip();
    }

    @Override
    public void close() {
        encoder.close();
    }
}
