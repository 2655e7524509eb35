package io.lingen.internal.tokenizer;

import java.util.Arrays;

/** A set of code points, as sorted ranges. */
final class CodePointSet {
    private final int[] first;
    private final int[] last;

    private CodePointSet(int[] first, int[] last) {
        this.first = first;
        this.last = last;
    }

    /** Parses ascending ranges in hexadecimal, such as {@code 61d 9fd 1b4e-1b4f}. */
    static CodePointSet parse(String ranges) {
        String[] words = ranges.split(" ");
        int[] first = new int[words.length];
        int[] last = new int[words.length];
        for (int i = 0; i < words.length; i++) {
            String[] ends = words[i].split("-");
            first[i] = Integer.parseInt(ends[0], 16);
            last[i] = Integer.parseInt(ends[ends.length - 1], 16);
        }
        return new CodePointSet(first, last);
    }

    boolean contains(int codePoint) {
        int index = Arrays.binarySearch(first, codePoint);
        return index >= 0 || index < -1 && codePoint <= last[-index - 2];
    }
}
