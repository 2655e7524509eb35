package io.lingen.internal.tokenizer;

/** A range of a text, from {@code start} to before {@code end}. */
record Span(int start, int end) {}
