package io.lingen.internal.tokenizer;

import java.util.Arrays;

/**
 * The tokens of a text.
 *
 * @param ids the token ids, including special tokens
 * @param typeIds the segment ids, one per token
 * @param ends the positions in the text, in UTF-16 units, where the tokens end; 0 for special tokens
 * @param opening the number of special tokens at the start
 * @param closing the number of special tokens at the end
 */
public record Encoding(long[] ids, long[] typeIds, int[] ends, int opening, int closing) {
    static Encoding of(String text, Tokens tokens, Template template) {
        int opening = template.before().size();
        int closing = template.after().size();
        int count = opening + tokens.count() + closing;
        Encoding encoding = new Encoding(new long[count], new long[count], new int[count], opening, closing);
        for (int i = 0; i < opening; i++) {
            encoding.set(i, template.before().get(i));
        }
        int unit = 0;
        int codePoints = 0;
        for (int i = 0; i < tokens.count(); i++) {
            // Count from the end of the previous token: ends mostly increase, so this takes linear time.
            int wanted = tokens.end(i);
            unit = text.offsetByCodePoints(unit, wanted - codePoints);
            codePoints = wanted;
            encoding.ids[opening + i] = tokens.id(i);
            encoding.typeIds[opening + i] = template.typeId();
            encoding.ends[opening + i] = unit;
        }
        for (int i = 0; i < closing; i++) {
            encoding.set(count - closing + i, template.after().get(i));
        }
        return encoding;
    }

    private void set(int index, Template.Special special) {
        ids[index] = special.id();
        typeIds[index] = special.typeId();
    }

    /** {@return the number of tokens, including special tokens} */
    public int length() {
        return ids.length;
    }

    /**
     * {@return this encoding with at most a given number of tokens: the first ones, and the special tokens at the end}
     *
     * @param maxLength the largest number of tokens
     * @throws IllegalArgumentException if the encoding is longer, and the number does not exceed that of the special tokens
     */
    public Encoding truncated(int maxLength) {
        if (length() <= maxLength) {
            return this;
        }
        if (maxLength <= opening + closing) {
            throw new IllegalArgumentException(
                    "maxLength must be more than the " + (opening + closing) + " special tokens, found " + maxLength);
        }
        int kept = maxLength - closing;
        int[] keptEnds = Arrays.copyOf(ends, maxLength);
        System.arraycopy(ends, length() - closing, keptEnds, kept, closing);
        return new Encoding(cut(ids, kept), cut(typeIds, kept), keptEnds, opening, closing);
    }

    private long[] cut(long[] values, int kept) {
        long[] cut = Arrays.copyOf(values, kept + closing);
        System.arraycopy(values, values.length - closing, cut, kept, closing);
        return cut;
    }
}
