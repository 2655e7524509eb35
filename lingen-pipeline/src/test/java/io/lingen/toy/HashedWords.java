package io.lingen.toy;

import io.lingen.core.HostTensor;
import io.lingen.core.internal.PhiloxNormal;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.text.TextEncoder;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** A text encoder with a random vector per word, seeded by its hash. Negative prompts are padded with empty words to {@value #MAX_WORDS}. */
final class HashedWords implements TextEncoder {
    static final int WIDTH = 8;
    static final int MAX_WORDS = 16;

    static List<String> words(String prompt) {
        return Arrays.asList(prompt.toLowerCase(Locale.ROOT).strip().split("\\s+"));
    }

    @Override
    public String name() {
        return "hashed words";
    }

    @Override
    public int width() {
        return WIDTH;
    }

    @Override
    public int maxTokens() {
        return MAX_WORDS;
    }

    @Override
    public String normalize(Prompt prompt) {
        return String.join(" ", words(prompt.text()));
    }

    @Override
    public List<TextEmbedding> encode(List<Prompt> prompts, Progress progress) {
        return prompts.stream()
                .map(prompt -> encode(
                        words(prompt.text()),
                        prompt.negative()
                                ? MAX_WORDS
                                : Math.min(words(prompt.text()).size(), MAX_WORDS)))
                .toList();
    }

    private static TextEmbedding encode(List<String> words, int length) {
        float[] values = new float[length * WIDTH];
        for (int i = 0; i < length; i++) {
            String word = i < words.size() ? words.get(i) : "";
            PhiloxNormal.fill(word.hashCode(), 0, values, i * WIDTH, WIDTH);
        }
        return new TextEmbedding(HostTensor.of(values, length, WIDTH), null);
    }

    @Override
    public void close() {}
}
