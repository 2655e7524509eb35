package io.lingen.internal.tokenizer;

/**
 * A range of a text.
 *
 * @param start the first index
 * @param end the index after the last
 */
record Span(int start, int end) {}
