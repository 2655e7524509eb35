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
        return encoder.normalize(lowerCase(prompt));
    }

    @Override
    public List<TextEmbedding> encode(List<Prompt> prompts, Progress progress) {
        return encoder.encode(
                prompts.stream().map(LowerCaseTextEncoder::lowerCase).toList(), progress);
    }

    private static Prompt lowerCase(Prompt prompt) {
        return new Prompt(prompt.text().toLowerCase(Locale.ROOT).strip(), prompt.negative());
    }

    @Override
    public void close() {
        encoder.close();
    }
}
