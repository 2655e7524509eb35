package io.lingen.internal.tokenizer;

import java.util.Arrays;

/**
 * A part of a prompt during normalization and splitting: code points, each with the range of the prompt's code points that it results
 * from. These ranges are those of {@code NormalizedString} in the library tokenizers, counted in code points.
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

    /** The text of a prompt. Replaces unpaired surrogates by U+FFFD. */
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

    /** The position in the prompt where the code points before {@code index} end. */
    int endOf(int index) {
        return ends[index - 1];
    }

    /** Whether this part begins at the start of the prompt. */
    boolean isAtStart() {
        return origin == 0;
    }

    /** A non-empty part of this text. */
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
     * @param edits the new code points and the changes from which they result
     * @param removedInFront the number of old code points that are removed before the first new one
     */
    void apply(Edits edits, int removedInFront) {
        Builder result = new Builder(edits.length());
        int next = removedInFront;
        for (int i = 0; i < edits.length(); i++) {
            int change = edits.change(i);
            // An inserted code point gets the range of the one before it.
            result.add(edits.codePoint(i), change > 0 ? next - 1 : next);
            next += change > 0 ? 0 : 1 - change;
        }
        result.build();
    }

    /** Prepends a text, unless this text is empty. */
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

    /** The string between two indices. */
    String text(int from, int to) {
        return new String(codePoints, from, to - from);
    }

    @Override
    public String toString() {
        return text(0, length);
    }

    /** A builder of the text that replaces this one. */
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

        /** Adds a code point with the range of an old one. */
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
