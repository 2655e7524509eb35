package io.lingen.internal.tokenizer;

import java.text.Normalizer.Form;

/**
 * The normalizer of BERT tokenizers.
 *
 * @param cleanText whether to remove control characters and replace white space by spaces
 * @param handleChinese whether to surround ideographs with spaces
 * @param stripAccents whether to decompose characters and remove non-spacing marks
 * @param lowercase whether to convert to lower case
 */
record BertNormalizer(boolean cleanText, boolean handleChinese, boolean stripAccents, boolean lowercase)
        implements Normalizer {
    private static final Normalizer DECOMPOSITION = new UnicodeNormalizer(Form.NFD);

    private static final CodePointSet IDEOGRAPHS = CodePointSet.parse(
            "3400-4dbf 4e00-9fff f900-faff 20000-2a6df 2a700-2b73f 2b740-2b81f 2b920-2ceaf 2f800-2fa1f");

    @Override
    public void normalize(NormalizedText text) {
        if (cleanText) {
            Normalizer.keep(text, BertNormalizer::isKept);
            Normalizer.map(text, codePoint -> Characters.isWhitespace(codePoint) ? ' ' : codePoint);
        }
        if (handleChinese) {
            isolateIdeographs(text);
        }
        if (stripAccents) {
            DECOMPOSITION.normalize(text);
            Normalizer.keep(text, codePoint -> !Characters.isNonSpacingMark(codePoint));
        }
        if (lowercase) {
            LowerCase.apply(text);
        }
    }

    private static boolean isKept(int codePoint) {
        boolean isLineOrTab = codePoint == '\t' || codePoint == '\n' || codePoint == '\r';
        return codePoint != 0 && codePoint != 0xFFFD && (isLineOrTab || !Characters.isControl(codePoint));
    }

    private static void isolateIdeographs(NormalizedText text) {
        Edits edits = new Edits(text.length());
        for (int i = 0; i < text.length(); i++) {
            int codePoint = text.at(i);
            if (IDEOGRAPHS.contains(codePoint)) {
                edits.add(' ', 0);
                edits.add(codePoint, 1);
                edits.add(' ', 1);
            } else {
                edits.add(codePoint, 0);
            }
        }
        text.apply(edits, 0);
    }
}
