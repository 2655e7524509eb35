package io.lingen.internal.tokenizer;

/**
 * Character properties of the Rust library tokenizers 0.21. Its dependencies use different Unicode versions: 8 in unicode_categories
 * 0.1.1, 9 in unicode-normalization-alignments 0.1.12, 16 in regex and Oniguruma, and 17 in Rust's standard library. JDK 25 has version
 * 16. The sets below are the differences from JDK 25; a test compares every code point.
 */
final class Characters {
    private static final int MARKS =
            1 << Character.NON_SPACING_MARK | 1 << Character.COMBINING_SPACING_MARK | 1 << Character.ENCLOSING_MARK;
    private static final int NUMBERS =
            1 << Character.DECIMAL_DIGIT_NUMBER | 1 << Character.LETTER_NUMBER | 1 << Character.OTHER_NUMBER;
    private static final int PUNCTUATION = 1 << Character.CONNECTOR_PUNCTUATION
            | 1 << Character.DASH_PUNCTUATION
            | 1 << Character.START_PUNCTUATION
            | 1 << Character.END_PUNCTUATION
            | 1 << Character.INITIAL_QUOTE_PUNCTUATION
            | 1 << Character.FINAL_QUOTE_PUNCTUATION
            | 1 << Character.OTHER_PUNCTUATION;
    private static final int CONTROLS = 1 << Character.CONTROL | 1 << Character.FORMAT | 1 << Character.PRIVATE_USE;

    private static final int WORD_TYPES =
            MARKS | 1 << Character.DECIMAL_DIGIT_NUMBER | 1 << Character.CONNECTOR_PUNCTUATION;

    private static final CodePointSet FORMAT_SINCE_9 = CodePointSet.parse("890-891 8e2 110cd 13430-1343f");

    private static final CodePointSet PUNCTUATION_UNTIL_8 = CodePointSet.parse("166d 111c9");

    private static final CodePointSet PUNCTUATION_SINCE_9 = CodePointSet.parse("61d 9fd a76 c77 c84 1b4e-1b4f 1b7d-1b7f"
            + " 2e43-2e4f 2e52-2e5d 10d6e 10ead 10f55-10f59 10f86-10f89 113d4-113d5 113d7-113d8 1144b-1144f 1145a-1145b"
            + " 1145d 11660-1166c 116b9 1183b 11944-11946 119e2 11a3f-11a46 11a9a-11a9c 11a9e-11aa2 11b00-11b09 11be1"
            + " 11c41-11c45 11c70-11c71 11ef7-11ef8 11f43-11f4f 11fff 12ff1-12ff2 16d6d-16d6f 16e97-16e9a 16fe2 1e5ff"
            + " 1e95e-1e95f");

    private static final CodePointSet NON_SPACING_UNTIL_8 = CodePointSet.parse("1734 1171e");

    private static final CodePointSet NON_SPACING_SINCE_9 = CodePointSet.parse("7fd 897-89f 8ca-8e1 9fe afa-aff b55 c04"
            + " c3c d00 d3b-d3c d81 eba ece 180f 1885-1886 1abf-1ace 1df6-1dfb a82c a8c5 a8ff a9bd 10d24-10d27 10d69-10d6d"
            + " 10eab-10eac 10efc-10eff 10f46-10f50 10f82-10f85 11070 11073-11074 110c2 111c9 111cf 1123e 11241 1133b"
            + " 113bb-113c0 113ce 113d0 113d2 113e1-113e2 11438-1143f 11442-11444 11446 1145e 1182f-11837 11839-1183a"
            + " 1193b-1193c 1193e 11943 119d4-119d7 119da-119db 119e0 11a01-11a0a 11a33-11a38 11a3b-11a3e 11a47"
            + " 11a51-11a56 11a59-11a5b 11a8a-11a96 11a98-11a99 11c30-11c36 11c38-11c3d 11c3f 11c92-11ca7 11caa-11cb0"
            + " 11cb2-11cb3 11cb5-11cb6 11d31-11d36 11d3a 11d3c-11d3d 11d3f-11d45 11d47 11d90-11d91 11d95 11d97"
            + " 11ef3-11ef4 11f00-11f01 11f36-11f3a 11f40 11f42 11f5a 13440 13447-13455 1611e-16129 1612d-1612f 16f4f"
            + " 16fe4 1cf00-1cf2d 1cf30-1cf46 1e000-1e006 1e008-1e018 1e01b-1e021 1e023-1e024 1e026-1e02a 1e08f"
            + " 1e130-1e136 1e2ae 1e2ec-1e2ef 1e4ec-1e4ef 1e5ee-1e5ef 1e944-1e94a");

    private static final CodePointSet MARKS_UNTIL_9 = CodePointSet.parse("1cf2-1cf3");

    static final CodePointSet MARKS_SINCE_10 = CodePointSet.parse("7fd 897-89f 8ca-8d3 9fe afa-aff b55 c04 c3c cf3 d00"
            + " d3b-d3c d81 eba ece 1715 180f 1abf-1ace 1cf7 1df6-1dfa a82c a8ff 10d24-10d27 10d69-10d6d 10eab-10eac"
            + " 10efc-10eff 10f46-10f50 10f82-10f85 11070 11073-11074 110c2 11145-11146 111c9 111ce-111cf 11241 1133b"
            + " 113b8-113c0 113c2 113c5 113c7-113ca 113cc-113d0 113d2 113e1-113e2 1145e 1182c-1183a 11930-11935"
            + " 11937-11938 1193b-1193e 11940 11942-11943 119d1-119d7 119da-119e0 119e4 11a01-11a0a 11a33-11a39"
            + " 11a3b-11a3e 11a47 11a51-11a5b 11a8a-11a99 11d31-11d36 11d3a 11d3c-11d3d 11d3f-11d45 11d47 11d8a-11d8e"
            + " 11d90-11d91 11d93-11d97 11ef3-11ef6 11f00-11f01 11f03 11f34-11f3a 11f3e-11f42 11f5a 13440 13447-13455"
            + " 1611e-1612f 16f4f 16f7f-16f87 16fe4 16ff0-16ff1 1cf00-1cf2d 1cf30-1cf46 1e08f 1e130-1e136 1e2ae"
            + " 1e2ec-1e2ef 1e4ec-1e4ef 1e5ee-1e5ef");

    private static final CodePointSet NUMBERS_SINCE_17 = CodePointSet.parse("11de0-11de9 16ff4-16ff6");

    private static final CodePointSet LATIN_NUMBERS = CodePointSet.parse("b2-b3 b9 bc-be");

    private Characters() {}

    /** Whether a code point has the property White_Space. */
    static boolean isWhitespace(int codePoint) {
        return Character.isSpaceChar(codePoint) || codePoint >= '\t' && codePoint <= '\r' || codePoint == 0x85;
    }

    /** Whether a code point has the category Cc, Cf or Co in Unicode 8. */
    static boolean isControl(int codePoint) {
        return isOneOf(codePoint, CONTROLS) && !FORMAT_SINCE_9.contains(codePoint);
    }

    /** Whether a code point is an ASCII symbol or punctuation, or has a category P in Unicode 8. */
    static boolean isPunctuation(int codePoint) {
        if (codePoint < 0x80) {
            return codePoint > ' ' && codePoint < 0x7F && !Character.isLetterOrDigit(codePoint);
        }
        return isOneOf(codePoint, PUNCTUATION) && !PUNCTUATION_SINCE_9.contains(codePoint)
                || PUNCTUATION_UNTIL_8.contains(codePoint);
    }

    /** Whether a code point has the category Mn in Unicode 8. */
    static boolean isNonSpacingMark(int codePoint) {
        return Character.getType(codePoint) == Character.NON_SPACING_MARK && !NON_SPACING_SINCE_9.contains(codePoint)
                || NON_SPACING_UNTIL_8.contains(codePoint);
    }

    /** Whether a code point has a category M in Unicode 9. */
    static boolean isMark(int codePoint) {
        return isOneOf(codePoint, MARKS) && !MARKS_SINCE_10.contains(codePoint) || MARKS_UNTIL_9.contains(codePoint);
    }

    /** Whether a code point has a category M in the JDK. */
    static boolean isMarkOfJdk(int codePoint) {
        return isOneOf(codePoint, MARKS);
    }

    /** Whether a code point has a category N in Unicode 17. */
    static boolean isNumeric(int codePoint) {
        return isNumber(codePoint) || NUMBERS_SINCE_17.contains(codePoint);
    }

    /** Whether a code point has a category N in the JDK. */
    static boolean isNumber(int codePoint) {
        return isOneOf(codePoint, NUMBERS);
    }

    /** Whether a code point has a category P in the JDK. */
    static boolean isAnyPunctuation(int codePoint) {
        return isOneOf(codePoint, PUNCTUATION);
    }

    /** Whether {@code \w} of UTS 18 matches a code point. */
    static boolean isWord(int codePoint) {
        return isWordOfOniguruma(codePoint) || codePoint == 0x200C || codePoint == 0x200D;
    }

    /** Whether {@code \w} matches a code point in a character class of Oniguruma. */
    static boolean isWordOfOniguruma(int codePoint) {
        return Character.isAlphabetic(codePoint) || isOneOf(codePoint, WORD_TYPES);
    }

    /** Whether a code point is a Latin-1 superscript or fraction, which {@code \w} matches in Oniguruma outside a character class. */
    static boolean isLatinNumber(int codePoint) {
        return LATIN_NUMBERS.contains(codePoint);
    }

    private static boolean isOneOf(int codePoint, int types) {
        return (types >> Character.getType(codePoint) & 1) == 1;
    }

    /** Whether a code point is an unpaired surrogate. */
    static boolean isSurrogate(int codePoint) {
        return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
    }

    /** Whether a text contains an unpaired surrogate. */
    static boolean hasSurrogate(String text) {
        for (int i = 0; i < text.length(); i++) {
            // Test the character first: most characters are no surrogates, so codePointAt is rarely called.
            if (Character.isSurrogate(text.charAt(i))) {
                int codePoint = text.codePointAt(i);
                if (isSurrogate(codePoint)) {
                    return true;
                }
                i++;
            }
        }
        return false;
    }
}
