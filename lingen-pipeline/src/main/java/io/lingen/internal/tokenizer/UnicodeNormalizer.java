package io.lingen.internal.tokenizer;

import java.text.Normalizer.Form;

/**
 * A normalizer to one of the four Unicode normalization forms, with the tables of Unicode 9. Normalization is stable across Unicode
 * versions, so only newer characters differ. They are not decomposed, composed or reordered here.
 */
record UnicodeNormalizer(Form form) implements Normalizer {
    /** Characters since Unicode 10, other than marks, that decompose or compose with an older mark. */
    private static final CodePointSet SINCE_10 = CodePointSet.parse("32ff a7f2-a7f4 ab69 105c9 105d2 105da 105e4"
            + " 10781-10785 10787-107b0 107b2-107ba 11383 11385 1138e 11391 16d67-16d6a 1ccd6-1ccf9 1e030-1e06d 1f16c"
            + " 1fbf0-1fbf9");

    private static final int FIRST_MARK = 0x300;
    private static final int FIRST_VOWEL_JAMO = 0x1160;
    private static final int LAST_TRAILING_JAMO = 0x11FF;

    @Override
    public void normalize(NormalizedText text) {
        Edits edits = new Edits(text.length());
        for (int i = 0; i < text.length(); ) {
            int end = segmentEnd(text, i);
            edits.replace(end - i, normalized(text, i, end));
            i = end;
        }
        text.apply(edits, 0);
    }

    private int[] normalized(NormalizedText text, int from, int to) {
        if (to == from + 1 && (text.at(from) < 0x80 || isNewer(text.at(from)))) {
            return new int[] {text.at(from)};
        }
        return java.text.Normalizer.normalize(text.text(from, to), form)
                .codePoints()
                .toArray();
    }

    /** The end of the shortest part whose normalization does not depend on the following text. */
    private static int segmentEnd(NormalizedText text, int from) {
        int end = from + 1;
        if (!isNewer(text.at(from))) {
            while (end < text.length() && !startsSegment(text.at(end))) {
                end++;
            }
        }
        return end;
    }

    /** Whether a code point neither composes with the one before it nor is reordered before it. */
    private static boolean startsSegment(int codePoint) {
        if (codePoint < FIRST_MARK || isNewer(codePoint)) {
            return true;
        }
        String decomposed = java.text.Normalizer.normalize(Character.toString(codePoint), Form.NFKD);
        int first = decomposed.codePointAt(0);
        boolean isJamo = first >= FIRST_VOWEL_JAMO && first <= LAST_TRAILING_JAMO;
        return !isJamo && !Characters.isMarkOfJdk(first);
    }

    private static boolean isNewer(int codePoint) {
        return codePoint >= FIRST_MARK
                && (SINCE_10.contains(codePoint) || Characters.MARKS_SINCE_10.contains(codePoint));
    }
}
