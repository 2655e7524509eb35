package io.lingen.internal.tokenizer;

import java.util.List;
import java.util.function.IntPredicate;
import java.util.function.IntUnaryOperator;

/** A transformation of a text before it is split. Immutable. */
@FunctionalInterface
interface Normalizer {
    /** Changes nothing. */
    Normalizer NONE = text -> {};

    /** Converts to lower case, code point by code point, without regard to context. */
    Normalizer LOWERCASE = LowerCase::apply;

    /** Removes combining marks. */
    Normalizer STRIP_ACCENTS = text -> keep(text, codePoint -> !Characters.isMark(codePoint));

    void normalize(NormalizedText text);

    /** Applies several normalizers in order. */
    static Normalizer sequence(List<Normalizer> normalizers) {
        List<Normalizer> all = List.copyOf(normalizers);
        return text -> all.forEach(normalizer -> normalizer.normalize(text));
    }

    /** Prepends a text to every text that is not empty. */
    static Normalizer prepend(int[] content) {
        return text -> text.prepend(content);
    }

    /** Replaces the matches of a pattern. */
    static Normalizer replace(Pattern pattern, int[] content) {
        return text -> text.replace(pattern, content);
    }

    /** Removes white space at one or both ends. */
    static Normalizer strip(boolean left, boolean right) {
        return text -> {
            int from = 0;
            int to = text.length();
            while (left && from < to && Characters.isWhitespace(text.at(from))) {
                from++;
            }
            while (right && to > from && Characters.isWhitespace(text.at(to - 1))) {
                to--;
            }
            if (from > 0 || to < text.length()) {
                Edits edits = new Edits(to - from);
                for (int i = from; i < to; i++) {
                    edits.add(text.at(i), 0);
                }
                text.apply(edits, from);
            }
        };
    }

    /** Keeps the code points that have a property. */
    static void keep(NormalizedText text, IntPredicate kept) {
        Edits edits = new Edits(text.length());
        int removedInFront = 0;
        for (int i = 0; i < text.length(); i++) {
            if (kept.test(text.at(i))) {
                edits.add(text.at(i), 0);
            } else if (edits.length() == 0) {
                removedInFront++;
            } else {
                edits.remove(1);
            }
        }
        text.apply(edits, removedInFront);
    }

    /** Replaces each code point by another one. */
    static void map(NormalizedText text, IntUnaryOperator mapping) {
        Edits edits = new Edits(text.length());
        for (int i = 0; i < text.length(); i++) {
            edits.add(mapping.applyAsInt(text.at(i)), 0);
        }
        text.apply(edits, 0);
    }
}
