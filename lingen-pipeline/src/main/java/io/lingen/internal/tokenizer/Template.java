package io.lingen.internal.tokenizer;

import java.util.List;

/**
 * The special tokens around a prompt, and the segment ids.
 *
 * @param before the special tokens at the start
 * @param typeId the segment id of the prompt's tokens
 * @param after the special tokens at the end
 */
record Template(List<Special> before, int typeId, List<Special> after) {
    /** No special tokens. */
    static final Template NONE = new Template(List.of(), 0, List.of());

    /** The token id and segment id of a special token. */
    record Special(int id, int typeId) {}

    Template {
        before = List.copyOf(before);
        after = List.copyOf(after);
    }
}
