package io.lingen.internal.tokenizer;

import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** A search for non-empty matches in a text. Immutable. */
@FunctionalInterface
interface Pattern {
    /** The leftmost match that begins at {@code from} or later, or null. */
    @Nullable
    Span find(NormalizedText text, int from);

    /** Matches single code points. */
    static Pattern of(IntPredicate predicate) {
        return (text, from) -> {
            for (int i = from; i < text.length(); i++) {
                if (predicate.test(text.at(i))) {
                    return new Span(i, i + 1);
                }
            }
            return null;
        };
    }

    /** Matches a text that is not empty. */
    static Pattern of(int[] literal) {
        return (text, from) -> {
            for (int i = from; i <= text.length() - literal.length; i++) {
                int matched = 0;
                while (matched < literal.length && text.at(i + matched) == literal[matched]) {
                    matched++;
                }
                if (matched == literal.length) {
                    return new Span(i, i + matched);
                }
            }
            return null;
        };
    }

    /** Matches runs of code points with one property, and runs of code points with a second property but not the first. */
    static Pattern ofRuns(IntPredicate first, IntPredicate second) {
        return (text, from) -> {
            for (int i = from; i < text.length(); i++) {
                boolean isFirst = first.test(text.at(i));
                if (isFirst || second.test(text.at(i))) {
                    int end = i + 1;
                    while (end < text.length()
                            && first.test(text.at(end)) == isFirst
                            && (isFirst || second.test(text.at(end)))) {
                        end++;
                    }
                    return new Span(i, end);
                }
            }
            return null;
        };
    }
}
