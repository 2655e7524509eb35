package io.lingen.internal.tokenizer;

import java.nio.charset.StandardCharsets;
import java.text.BreakIterator;
import java.util.Locale;

/**
 * A normalizer with the precompiled rules of SentencePiece. Like the library tokenizers, it works grapheme by grapheme: a grapheme of up to
 * 5 bytes in UTF-8 is replaced as a whole if a rule matches its beginning. Otherwise each of its code points is replaced separately.
 */
record PrecompiledNormalizer(CharsMap rules) implements Normalizer {
    private static final int MAX_GRAPHEME_BYTES = 5;

    @Override
    public void normalize(NormalizedText text) {
        String string = text.toString();
        BreakIterator graphemes = BreakIterator.getCharacterInstance(Locale.ROOT);
        graphemes.setText(string);
        Edits edits = new Edits(text.length());
        int start = 0;
        for (int end = graphemes.next(); end != BreakIterator.DONE; end = graphemes.next()) {
            normalize(string.substring(start, end), edits);
            start = end;
        }
        text.apply(edits, 0);
    }

    private void normalize(String grapheme, Edits edits) {
        if (grapheme.getBytes(StandardCharsets.UTF_8).length <= MAX_GRAPHEME_BYTES) {
            int[] replacement = rules.replacement(grapheme);
            if (replacement != null) {
                edits.replace(grapheme.codePointCount(0, grapheme.length()), replacement);
                return;
            }
        }
        grapheme.codePoints().forEach(codePoint -> {
            int[] replacement = rules.replacement(Character.toString(codePoint));
            if (replacement == null) {
                edits.add(codePoint, 0);
            } else {
                edits.replace(1, replacement);
            }
        });
    }
}
