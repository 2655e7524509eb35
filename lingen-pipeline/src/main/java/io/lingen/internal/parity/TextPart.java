package io.lingen.internal.parity;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Taps;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.diffusion.ParityCheck;
import io.lingen.internal.text.TokenEncoder;
import io.lingen.spi.ParityPart;
import io.lingen.text.TextEncoder.Progress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The tokenizer and the text encoder of a published model. The prompts are those of {@code fixture.json}, as they are, and perhaps their token
 * ids. Hidden states are computed from the expected ids, so that an error of the tokenizer is not one of the encoder too. Taps are those of
 * the first prompt.
 *
 * @param loader loads the encoder
 */
public record TextPart(Loader loader) implements ParityPart {
    private static final int MAX_TOKENS = 1 << 16;

    /** Loads a text encoder. */
    @FunctionalInterface
    public interface Loader {
        /**
         * {@return the encoder, to be closed by the caller}
         *
         * @param backend the backend that computes; closed after the encoder
         * @param precision the type of matrix products and activations, F32 or BF16
         * @param maxTokens the largest number of tokens of a prompt, special tokens included
         */
        TokenEncoder load(Backend backend, DType precision, int maxTokens);
    }

    /** A prompt with its expected token ids. */
    private record Prompt(int index, String text, long @Nullable [] ids) {}

    @Override
    public String name() {
        return "text";
    }

    @Override
    public boolean isIn(Set<String> names) {
        return names.stream().anyMatch(name -> name.matches("text\\.\\d+\\.hidden") || name.startsWith("text.tap."));
    }

    @Override
    public void run(ParityCheck check, DType precision) {
        Map<Integer, List<Prompt>> byLength = new LinkedHashMap<>();
        List<ConfigReader> prompts = check.json().objects("prompts");
        for (int i = 0; i < prompts.size(); i++) {
            ConfigReader json = prompts.get(i);
            long[] ids = json.has("ids")
                    ? Arrays.stream(json.integers("ids", 1, MAX_TOKENS, 0, Integer.MAX_VALUE))
                            .asLongStream()
                            .toArray()
                    : null;
            byLength.computeIfAbsent(json.integer("max_length", 1, MAX_TOKENS), length -> new ArrayList<>())
                    .add(new Prompt(i, json.text("prompt"), ids));
        }
        byLength.forEach((maxTokens, ofLength) -> {
            try (TokenEncoder encoder = loader.load(check.backend(), precision, maxTokens)) {
                compare(check, encoder, ofLength);
            }
        });
    }

    private static void compare(ParityCheck check, TokenEncoder encoder, List<Prompt> prompts) {
        List<long[]> ids = new ArrayList<>();
        for (Prompt prompt : prompts) {
            long[] found = encoder.tokenIds(prompt.text);
            if (prompt.ids != null) {
                check.compareExactly("text." + prompt.index + ".ids", difference(prompt.ids, found));
            }
            ids.add(prompt.ids == null ? found : prompt.ids);
        }
        Taps taps = prompts.get(0).index == 0 ? check.taps("text.tap.") : Taps.NONE;
        List<HostTensor> hidden = encoder.encode(ids, taps, Progress.NONE);
        for (int i = 0; i < prompts.size(); i++) {
            String name = "text." + prompts.get(i).index + ".hidden";
            if (check.has(name)) {
                check.compare(name, hidden.get(i));
            }
        }
    }

    private static @Nullable String difference(long[] expected, long[] found) {
        int at = Arrays.mismatch(expected, found);
        if (at < 0) {
            return null;
        }
        return "token " + at + " must be " + tokenAt(expected, at) + ", found " + tokenAt(found, at);
    }

    private static String tokenAt(long[] ids, int index) {
        return index < ids.length ? Long.toString(ids[index]) : "the end";
    }
}
