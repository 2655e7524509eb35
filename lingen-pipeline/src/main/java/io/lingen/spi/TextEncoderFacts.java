package io.lingen.spi;

/**
 * A text encoder as it is known without loading it.
 *
 * @param maxTokens the token cap
 * @param width the width of the vectors
 * @param bytes of its weights, which it holds once it is loaded, and twice as many for a moment while it is
 */
public record TextEncoderFacts(int maxTokens, int width, long bytes) {}
