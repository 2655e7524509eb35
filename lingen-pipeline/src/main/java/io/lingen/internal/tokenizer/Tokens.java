package io.lingen.internal.tokenizer;

import java.util.Arrays;

/** A growing list of tokens: their ids, and the positions in the prompt where they end. */
final class Tokens {
    private int[] ids = new int[32];
    private int[] ends = new int[32];
    private int count;

    void add(int id, int end) {
        if (count == ids.length) {
            ids = Arrays.copyOf(ids, 2 * count);
            ends = Arrays.copyOf(ends, 2 * count);
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

    int end(int index) {
        return ends[index];
    }
}
