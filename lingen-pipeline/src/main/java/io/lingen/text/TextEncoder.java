package io.lingen.text;

import io.lingen.diffusion.TextEmbedding;

/** Turns a prompt into one vector per token. Thread-safe. */
public interface TextEncoder extends AutoCloseable {
    /** What it is called in messages. */
    String name();

    /** The width of its vectors. */
    int width();

    /** The most tokens that it reads of a prompt. */
    int maxTokens();

    /**
     * Encodes a prompt; the empty prompt gives its special tokens only. A prompt longer than the encoder's cap is cut, and a warning in the
     * log says where.
     */
    TextEmbedding encode(String prompt);

    /**
     * Encodes a negative prompt, for an encoder that treats one otherwise; unless it says so, as any prompt.
     *
     * @param positive of the prompt that it belongs to, by this encoder
     */
    default TextEmbedding encodeNegative(String prompt, TextEmbedding positive) {
        return encode(prompt);
    }

    @Override
    void close();
}
