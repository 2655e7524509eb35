package io.lingen.internal.text;

import io.lingen.text.TextEncoder;

/** A text encoder that changes the embeddings of another one, which it owns. */
public abstract class ForwardingTextEncoder implements TextEncoder {
    private final TextEncoder encoder;

    /**
     * Wraps an encoder.
     *
     * @param encoder the encoder, closed with this object
     */
    protected ForwardingTextEncoder(TextEncoder encoder) {
        this.encoder = encoder;
    }

    /** {@return the wrapped encoder} */
    protected final TextEncoder encoder() {
        return encoder;
    }

    @Override
    public final String name() {
        return encoder.name();
    }

    @Override
    public final int width() {
        return encoder.width();
    }

    @Override
    public final int maxTokens() {
        return encoder.maxTokens();
    }

    @Override
    public final String normalize(Prompt prompt) {
        return encoder.normalize(prompt);
    }

    @Override
    public final void close() {
        encoder.close();
    }
}
