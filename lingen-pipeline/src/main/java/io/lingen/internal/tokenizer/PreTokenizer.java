package io.lingen.internal.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;

/** A method that splits a text into words, to which the model is applied. Immutable. */
@FunctionalInterface
interface PreTokenizer {
    /** Splits at white space and isolates punctuation. */
    PreTokenizer BERT = sequence(List.of(
            split(Pattern.of(Characters::isWhitespace), SplitBehavior.REMOVED), punctuation(SplitBehavior.ISOLATED)));

    /** Splits at white space. */
    PreTokenizer WHITESPACE_SPLIT = split(Pattern.of(Characters::isWhitespace), SplitBehavior.REMOVED);

    /** Keeps runs of word characters, and runs of characters that are neither word characters nor white space. */
    PreTokenizer WHITESPACE = text -> SplitBehavior.REMOVED.split(
            text, Pattern.ofRuns(Characters::isWord, codePoint -> !Characters.isWhitespace(codePoint)), true);

    /** Leaves a text in one part. */
    PreTokenizer NONE = List::of;

    /** Splits a non-empty text into non-empty words. May change the text. */
    List<NormalizedText> split(NormalizedText text);

    /** Applies several pre-tokenizers, each to the parts of the one before. */
    static PreTokenizer sequence(List<PreTokenizer> preTokenizers) {
        List<PreTokenizer> all = List.copyOf(preTokenizers);
        return text -> {
            List<NormalizedText> parts = List.of(text);
            for (PreTokenizer preTokenizer : all) {
                List<NormalizedText> next = new ArrayList<>();
                parts.forEach(part -> next.addAll(preTokenizer.split(part)));
                parts = next;
            }
            return parts;
        };
    }

    static PreTokenizer split(Pattern pattern, SplitBehavior behavior) {
        return split(pattern, behavior, false);
    }

    static PreTokenizer split(Pattern pattern, SplitBehavior behavior, boolean inverted) {
        return text -> behavior.split(text, pattern, inverted);
    }

    static PreTokenizer punctuation(SplitBehavior behavior) {
        return split(Pattern.of(Characters::isPunctuation), behavior);
    }

    /** Isolates numbers, digit by digit or in runs. */
    static PreTokenizer digits(boolean individual) {
        IntPredicate numeric = Characters::isNumeric;
        return split(Pattern.of(numeric), individual ? SplitBehavior.ISOLATED : SplitBehavior.CONTIGUOUS);
    }
}
