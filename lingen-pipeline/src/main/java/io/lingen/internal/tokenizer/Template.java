package io.lingen.internal.tokenizer;

import java.util.List;

/**
 * The special tokens around a prompt, and the segments.
 *
 * @param before the special tokens in front
 * @param typeId the segment of the prompt's own tokens
 * @param after the special tokens at the end
 */
record Template(List<Special> before, int typeId, List<Special> after) {
    /** No special tokens. */
    static final Template NONE = new Template(List.of(), 0, List.of());

    /** A special token's id and segment. */
    record Special(int id, int typeId) {}

    Template {
        before = List.copyOf(before);
        after = List.copyOf(after);
    }
}
