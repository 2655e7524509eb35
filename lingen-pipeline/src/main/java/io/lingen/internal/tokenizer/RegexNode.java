package io.lingen.internal.tokenizer;

import java.util.List;
import java.util.function.IntPredicate;

/**
 * A regular expression's syntax tree.
 *
 * @param kind what it is
 * @param predicate of a character or a look at the next one, which is {@link #END} at the end of the text
 * @param children the parts; of a repetition, one
 * @param min how often at least a repetition matches its part
 * @param max how often at most, or {@link #UNBOUNDED}
 * @param lazy whether a repetition prefers few
 */
record RegexNode(Kind kind, IntPredicate predicate, List<RegexNode> children, int min, int max, boolean lazy) {
    static final int UNBOUNDED = -1;

    /** Stands for the end of the text in a look ahead. */
    static final int END = -1;

    /** What a node is. */
    enum Kind {
        CHARACTER,
        LOOKAHEAD,
        SEQUENCE,
        ALTERNATIVES,
        REPETITION
    }

    static RegexNode character(IntPredicate predicate) {
        return new RegexNode(Kind.CHARACTER, predicate, List.of(), 0, 0, false);
    }

    static RegexNode lookahead(IntPredicate predicate) {
        return new RegexNode(Kind.LOOKAHEAD, predicate, List.of(), 0, 0, false);
    }

    static RegexNode sequence(List<RegexNode> parts) {
        return parts.size() == 1 ? parts.get(0) : of(Kind.SEQUENCE, parts);
    }

    static RegexNode alternatives(List<RegexNode> parts) {
        return parts.size() == 1 ? parts.get(0) : of(Kind.ALTERNATIVES, parts);
    }

    static RegexNode repetition(RegexNode part, int min, int max, boolean lazy) {
        return new RegexNode(Kind.REPETITION, codePoint -> false, List.of(part), min, max, lazy);
    }

    private static RegexNode of(Kind kind, List<RegexNode> parts) {
        return new RegexNode(kind, codePoint -> false, List.copyOf(parts), 0, 0, false);
    }

    /** Whether it matches the empty text somewhere. */
    boolean matchesEmpty() {
        return switch (kind) {
            case CHARACTER -> false;
            case LOOKAHEAD -> true;
            case SEQUENCE -> children.stream().allMatch(RegexNode::matchesEmpty);
            case ALTERNATIVES -> children.stream().anyMatch(RegexNode::matchesEmpty);
            case REPETITION -> min == 0 || children.get(0).matchesEmpty();
        };
    }
}
