package io.lingen.text;

import io.lingen.core.internal.CloseableStack;
import io.lingen.diffusion.TextEmbedding;
import java.util.List;
import java.util.stream.IntStream;

/** A model's text encoders, in the order in which the denoiser concatenates their tokens. Owns them. */
public final class TextEncoders implements AutoCloseable {
    private final List<TextEncoder> encoders;
    private final CloseableStack owned = new CloseableStack();

    /** Takes ownership of the given encoders. */
    public TextEncoders(List<? extends TextEncoder> encoders) {
        this.encoders = List.copyOf(encoders);
        encoders.forEach(owned::add);
    }

    /** The encoders, in order. */
    public List<TextEncoder> all() {
        return encoders;
    }

    /** A prompt as every encoder sees it, in order. */
    public List<TextEmbedding> encode(String prompt) {
        return encoders.stream().map(encoder -> encoder.encode(prompt)).toList();
    }

    /**
     * A negative prompt as every encoder sees it, in order.
     *
     * @param positive the prompt that it belongs to, as {@link #encode} gave it
     */
    public List<TextEmbedding> encodeNegative(String prompt, List<TextEmbedding> positive) {
        return IntStream.range(0, encoders.size())
                .mapToObj(i -> encoders.get(i).encodeNegative(prompt, positive.get(i)))
                .toList();
    }

    @Override
    public void close() {
        owned.close();
    }
}
