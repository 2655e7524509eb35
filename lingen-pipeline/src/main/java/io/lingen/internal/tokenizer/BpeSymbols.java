package io.lingen.internal.tokenizer;

import java.util.Arrays;

/** The tokens of a word during merging: a doubly linked list in arrays. */
final class BpeSymbols {
    private int[] ids;
    private int[] ends;
    private int[] previous = new int[0];
    private int[] next = new int[0];
    private int count;

    BpeSymbols(int capacity) {
        ids = new int[capacity];
        ends = new int[capacity];
    }

    /** Adds a token that ends at a position of the prompt. Must not be called after a merge. */
    void add(int id, int end) {
        if (count == ids.length) {
            ids = Arrays.copyOf(ids, 2 * count + 8);
            ends = Arrays.copyOf(ends, ids.length);
        }
        ids[count] = id;
        ends[count] = end;
        count++;
    }

    int count() {
        return count;
    }

    int id(int index) {
        return ids[index];
    }

    /** Whether the token at an index still exists, that is, was not merged into the one before it. */
    boolean isAlive(int index) {
        return ends[index] >= 0;
    }

    int previous(int index) {
        return previous[index];
    }

    int next(int index) {
        return next[index];
    }

    /** Links the tokens. Must be called before the first merge. */
    void link() {
        previous = new int[count];
        next = new int[count];
        for (int i = 0; i < count; i++) {
            previous[i] = i - 1;
            next[i] = i + 1 < count ? i + 1 : -1;
        }
    }

    void mergeWithNext(int index, int merged) {
        int right = next[index];
        ids[index] = merged;
        ends[index] = ends[right];
        ends[right] = -1;
        next[index] = next[right];
        if (next[right] >= 0) {
            previous[next[right]] = index;
        }
    }

    void addTo(Tokens tokens) {
        for (int i = 0; i < count; i++) {
            if (isAlive(i)) {
                tokens.add(ids[i], ends[i]);
            }
        }
    }
}
