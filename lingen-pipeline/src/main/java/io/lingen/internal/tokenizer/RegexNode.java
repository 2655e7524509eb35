package io.lingen.internal.tokenizer;

import java.util.List;
import java.util.function.IntPredicate;

/**
 * A node of the syntax tree of a regular expression.
 *
 * @param kind the kind of the node
 * @param predicate the condition on a character, or on the next one in a lookahead, where {@link #END} stands for the end of the text
 * @param children the parts; one in a repetition
 * @param min the smallest number of repetitions
 * @param max the largest number of repetitions, or {@link #UNBOUNDED}
 * @param lazy whether a repetition prefers fewer matches
 */
record RegexNode(Kind kind, IntPredicate predicate, List<RegexNode> children, int min, int max, boolean lazy) {
    static final int UNBOUNDED = -1;

    /** The end of the text in a lookahead. */
    static final int END = -1;

    /** The kind of a node. */
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

    /** Whether the node can match the empty text. */
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
