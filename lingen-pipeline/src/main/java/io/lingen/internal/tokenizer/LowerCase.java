package io.lingen.internal.tokenizer;

/** Conversion to lower case like Rust's {@code char::to_lowercase}: code point by code point, with Unicode 17. */
final class LowerCase {
    private static final int DOTTED_CAPITAL_I = 0x130;
    private static final int COMBINING_DOT_ABOVE = 0x307;

    private LowerCase() {}

    static void apply(NormalizedText text) {
        Edits edits = new Edits(text.length());
        for (int i = 0; i < text.length(); i++) {
            if (text.at(i) == DOTTED_CAPITAL_I) {
                edits.add('i', 0);
                edits.add(COMBINING_DOT_ABOVE, 1);
            } else {
                edits.add(of(text.at(i)), 0);
            }
        }
        text.apply(edits, 0);
    }

    private static int of(int codePoint) {
        switch (codePoint) {
            case 0xA7CE:
            case 0xA7D2:
            case 0xA7D4:
                return codePoint + 1;
            default:
                boolean isBeriaErfe = codePoint >= 0x16EA0 && codePoint <= 0x16EB8;
                return isBeriaErfe ? codePoint + 0x1B : Character.toLowerCase(codePoint);
        }
    }
}
