package io.lingen.text;

import io.lingen.core.internal.CloseableStack;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.text.TextEncoder.Progress;
import io.lingen.text.TextEncoder.Prompt;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The text encoders of a model, in the order in which the denoiser concatenates their tokens. Owns the encoders. Thread-safe until it is
 * closed.
 */
public final class TextEncoders implements AutoCloseable {
    private final List<TextEncoder> encoders;
    private final CloseableStack owned = new CloseableStack();

    /**
     * Combines encoders and takes ownership of them.
     *
     * @param encoders the encoders, in order
     */
    public TextEncoders(List<? extends TextEncoder> encoders) {
        this.encoders = List.copyOf(encoders);
        encoders.forEach(owned::add);
    }

    /** {@return the encoders, in order} */
    public List<TextEncoder> all() {
        return encoders;
    }

    /**
     * Encodes prompts with every encoder.
     *
     * @param prompts the prompts, at least one
     * @param progress receives the progress of each encoder in turn
     * @return for each prompt, in their order, one embedding per encoder
     */
    public List<List<TextEmbedding>> encode(List<Prompt> prompts, Progress progress) {
        List<List<TextEmbedding>> byEncoder = encoders.stream()
                .map(encoder -> encoder.encode(prompts, progress))
                .toList();
        return IntStream.range(0, prompts.size())
                .mapToObj(i -> byEncoder.stream().map(of -> of.get(i)).toList())
                .toList();
    }

    /**
     * Encodes one prompt with every encoder.
     *
     * @param prompt the text of a prompt that is not negative
     * @return one embedding per encoder
     */
    public List<TextEmbedding> encode(String prompt) {
        return encode(List.of(Prompt.of(prompt)), Progress.NONE).get(0);
    }

    /** Closes the encoders. */
    @Override
    public void close() {
        owned.close();
    }
}
