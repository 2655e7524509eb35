package io.lingen.internal.tokenizer;

import java.util.Arrays;

/** The merges of a BPE model, by pair. The rank of a merge is its position in the file. */
final class BpeMerges {
    static final int NONE = LongIntMap.NONE;

    private final LongIntMap ranks = new LongIntMap();
    private int[] results = new int[64];
    private int count;

    /** Adds the merge of the next rank. It replaces an earlier merge of the same pair. */
    void add(int left, int right, int result) {
        if (count == results.length) {
            results = Arrays.copyOf(results, 2 * count);
        }
        results[count] = result;
        ranks.put((long) left << 32 | right, count++);
    }

    /** The rank of the merge of a pair, or {@link #NONE}. */
    int rank(int left, int right) {
        return ranks.get((long) left << 32 | right);
    }

    /** The id of the token that a merge produces. */
    int result(int rank) {
        return results[rank];
    }
}
