package io.lingen.internal.tokenizer;

import java.util.Arrays;

/**
 * A new text, and how each of its code points relates to the old one: 0 replaces the next old code point, 1 is inserted, −n replaces the
 * next one and removes the n after it.
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

    /** Removes old code points after the last one added. Without one, the removal is lost, as in tokenizers. */
    void remove(int count) {
        if (length > 0) {
            changes[length - 1] -= count;
        }
    }

    /** Replaces a number of old code points by others. */
    void replace(int oldCount, int[] replacement) {
        for (int i = 0; i < replacement.length; i++) {
            add(replacement[i], i < oldCount ? 0 : 1);
        }
        if (replacement.length < oldCount) {
            remove(oldCount - replacement.length);
        }
    }
}
