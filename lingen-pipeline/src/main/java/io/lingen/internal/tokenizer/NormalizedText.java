package io.lingen.internal.tokenizer;

import java.util.Arrays;

/**
 * A part of a prompt while it is normalized and split: code points, each with the range of the prompt's code points that it comes from.
 * Alignments follow {@code NormalizedString} of tokenizers, counted in code points.
 */
final class NormalizedText {
    private final int origin;
    private int[] codePoints;
    private int[] starts;
    private int[] ends;
    private int length;

    private NormalizedText(int origin, int[] codePoints, int[] starts, int[] ends) {
        this.origin = origin;
        this.codePoints = codePoints;
        this.starts = starts;
        this.ends = ends;
        this.length = codePoints.length;
    }

    /** A whole prompt. Halves of surrogate pairs become U+FFFD. */
    static NormalizedText of(String text) {
        int[] codePoints = text.codePoints()
                .map(codePoint -> Characters.isSurrogate(codePoint) ? 0xFFFD : codePoint)
                .toArray();
        int[] starts = new int[codePoints.length];
        int[] ends = new int[codePoints.length];
        for (int i = 0; i < codePoints.length; i++) {
            starts[i] = i;
            ends[i] = i + 1;
        }
        return new NormalizedText(0, codePoints, starts, ends);
    }

    int length() {
        return length;
    }

    int at(int index) {
        return codePoints[index];
    }

    /** Where in the prompt the code points before {@code index} end. */
    int endOf(int index) {
        return ends[index - 1];
    }

    /** Whether this part was cut off at the prompt's very beginning. */
    boolean isAtStart() {
        return origin == 0;
    }

    /** A part of this one; not empty. */
    NormalizedText slice(int from, int to) {
        return new NormalizedText(
                starts[from],
                Arrays.copyOfRange(codePoints, from, to),
                Arrays.copyOfRange(starts, from, to),
                Arrays.copyOfRange(ends, from, to));
    }

    /**
     * Replaces the text.
     *
     * @param edits the new code points and how they replace the old ones
     * @param removedInFront the number of old code points that fall away before the first new one
     */
    void apply(Edits edits, int removedInFront) {
        Builder result = new Builder(edits.length());
        int next = removedInFront;
        for (int i = 0; i < edits.length(); i++) {
            int change = edits.change(i);
            // An inserted code point shares the alignment of the one before it.
            result.add(edits.codePoint(i), change > 0 ? next - 1 : next);
            next += change > 0 ? 0 : 1 - change;
        }
        result.build();
    }

    /** Puts a text in front, unless this one is empty. */
    void prepend(int[] content) {
        if (length > 0) {
            Builder result = new Builder(length + content.length);
            result.add(content, 0);
            result.copy(0, length);
            result.build();
        }
    }

    /** Replaces every match of a pattern. */
    void replace(Pattern pattern, int[] content) {
        Builder result = new Builder(length);
        int copied = 0;
        for (Span match = pattern.find(this, 0); match != null; match = pattern.find(this, copied)) {
            result.copy(copied, match.start());
            result.add(content, match.end() - 1);
            copied = match.end();
        }
        if (copied > 0) {
            result.copy(copied, length);
            result.build();
        }
    }

    /** The text from one index to another, as a string. */
    String text(int from, int to) {
        return new String(codePoints, from, to - from);
    }

    @Override
    public String toString() {
        return text(0, length);
    }

    /** The text that is to replace this one. */
    private final class Builder {
        private int[] newCodePoints;
        private int[] newStarts;
        private int[] newEnds;
        private int count;

        Builder(int capacity) {
            newCodePoints = new int[capacity];
            newStarts = new int[capacity];
            newEnds = new int[capacity];
        }

        /** Adds a code point with the alignment of an old one. */
        void add(int codePoint, int source) {
            if (count == newCodePoints.length) {
                int capacity = 2 * count + 8;
                newCodePoints = Arrays.copyOf(newCodePoints, capacity);
                newStarts = Arrays.copyOf(newStarts, capacity);
                newEnds = Arrays.copyOf(newEnds, capacity);
            }
            int old = Math.min(source, length - 1);
            newCodePoints[count] = codePoint;
            newStarts[count] = old < 0 ? origin : starts[old];
            newEnds[count] = old < 0 ? origin : ends[old];
            count++;
        }

        void add(int[] content, int source) {
            for (int codePoint : content) {
                add(codePoint, source);
            }
        }

        void copy(int from, int to) {
            for (int i = from; i < to; i++) {
                add(codePoints[i], i);
            }
        }

        void build() {
            codePoints = newCodePoints;
            starts = newStarts;
            ends = newEnds;
            length = count;
        }
    }
}
