package io.lingen.internal.tokenizer;

import java.util.Arrays;

/**
 * A new text and the change from which each of its code points results: 0 replaces the next old code point, 1 is an insertion, and -n
 * replaces the next old code point and removes the n after it.
 */
final class Edits {
    private int[] codePoints;
    private int[] changes;
    private int length;

    Edits(int capacity) {
        codePoints = new int[capacity];
        changes = new int[capacity];
    }

    int length() {
        return length;
    }

    int codePoint(int index) {
        return codePoints[index];
    }

    int change(int index) {
        return changes[index];
    }

    void add(int codePoint, int change) {
        if (length == codePoints.length) {
            codePoints = Arrays.copyOf(codePoints, 2 * length + 8);
            changes = Arrays.copyOf(changes, codePoints.length);
        }
        codePoints[length] = codePoint;
        changes[length] = change;
        length++;
    }

    /** Removes old code points after the last one added. Has no effect before the first one, as in the library tokenizers. */
    void remove(int count) {
        if (length > 0) {
            changes[length - 1] -= count;
        }
    }

    /** Replaces a number of old code points by new ones. */
    void replace(int oldCount, int[] replacement) {
        for (int i = 0; i < replacement.length; i++) {
            add(replacement[i], i < oldCount ? 0 : 1);
        }
        if (replacement.length < oldCount) {
            remove(oldCount - replacement.length);
        }
    }
}
