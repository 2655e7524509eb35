package io.lingen.internal.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A compiled regular expression, executed by Pike's virtual machine (R. Cox, Regular Expression Matching: the Virtual Machine Approach,
 * 2009). All alternatives advance together in the order of their priority. A match therefore takes time proportional to the text and the
 * program, for every pattern. It equals the first match of a backtracking matcher.
 */
final class Regex implements Pattern {
    /** Bounds the time of a step. Sufficient for the patterns of large language models. */
    static final int MAX_INSTRUCTIONS = 2000;

    private enum Code {
        CHARACTER,
        LOOKAHEAD,
        SPLIT,
        JUMP,
        MATCH
    }

    /** An instruction of the program; {@code next} has priority over {@code other}. */
    private static final class Instruction {
        private final Code code;
        private final @Nullable IntPredicate predicate;
        private int next;
        private int other;

        Instruction(Code code, @Nullable IntPredicate predicate) {
            this.code = code;
            this.predicate = predicate;
        }
    }

    private final List<Instruction> program = new ArrayList<>();

    private Regex() {}

    /**
     * Compiles an expression.
     *
     * @throws IllegalArgumentException if it is too long
     */
    static Regex compile(RegexNode node) {
        Regex regex = new Regex();
        regex.emit(node);
        regex.add(Code.MATCH, null);
        return regex;
    }

    private int add(Code code, @Nullable IntPredicate predicate) {
        if (program.size() == MAX_INSTRUCTIONS) {
            throw new IllegalArgumentException(
                    "must have at most " + MAX_INSTRUCTIONS + " steps, repetitions included");
        }
        Instruction instruction = new Instruction(code, predicate);
        program.add(instruction);
        instruction.next = program.size();
        return program.size() - 1;
    }

    private void emit(RegexNode node) {
        switch (node.kind()) {
            case CHARACTER -> add(Code.CHARACTER, node.predicate());
            case LOOKAHEAD -> add(Code.LOOKAHEAD, node.predicate());
            case SEQUENCE -> node.children().forEach(this::emit);
            case ALTERNATIVES -> emitAlternatives(node.children());
            case REPETITION -> emitRepetition(node);
        }
    }

    private void emitAlternatives(List<RegexNode> alternatives) {
        List<Integer> jumps = new ArrayList<>();
        for (int i = 0; i < alternatives.size() - 1; i++) {
            int split = add(Code.SPLIT, null);
            emit(alternatives.get(i));
            jumps.add(add(Code.JUMP, null));
            program.get(split).other = program.size();
        }
        emit(alternatives.get(alternatives.size() - 1));
        jumps.forEach(jump -> program.get(jump).next = program.size());
    }

    private void emitRepetition(RegexNode node) {
        RegexNode repeated = node.children().get(0);
        for (int i = 0; i < node.min(); i++) {
            emit(repeated);
        }
        if (node.max() == RegexNode.UNBOUNDED) {
            int split = add(Code.SPLIT, null);
            emit(repeated);
            program.get(add(Code.JUMP, null)).next = split;
            leave(split, node.lazy());
            return;
        }
        List<Integer> splits = new ArrayList<>();
        for (int i = node.min(); i < node.max(); i++) {
            splits.add(add(Code.SPLIT, null));
            emit(repeated);
        }
        splits.forEach(split -> leave(split, node.lazy()));
    }

    /** Sets the targets of a split: the instruction after it, and the current end of the program. */
    private void leave(int index, boolean lazy) {
        Instruction split = program.get(index);
        split.other = program.size();
        if (lazy) {
            split.other = split.next;
            split.next = program.size();
        }
    }

    @Override
    public @Nullable Span find(NormalizedText text, int from) {
        Threads current = new Threads();
        Threads next = new Threads();
        for (int start = from; start < text.length(); start++) {
            int end = matchEnd(text, start, current, next);
            if (end >= 0) {
                return new Span(start, end);
            }
        }
        return null;
    }

    private int matchEnd(NormalizedText text, int start, Threads first, Threads second) {
        Threads current = first;
        Threads next = second;
        int end = -1;
        current.clear();
        current.add(0, text, start);
        for (int at = start; current.count > 0; at++) {
            next.clear();
            for (int i = 0; i < current.count; i++) {
                Instruction instruction = program.get(current.pending[i]);
                if (instruction.code == Code.MATCH) {
                    // A match discards the alternatives of lower priority.
                    end = at;
                    break;
                }
                if (at < text.length() && test(instruction, text.at(at))) {
                    next.add(instruction.next, text, at + 1);
                }
            }
            Threads swapped = current;
            current = next;
            next = swapped;
        }
        return end;
    }

    private static boolean test(Instruction instruction, int codePoint) {
        IntPredicate predicate = instruction.predicate;
        return predicate != null && predicate.test(codePoint);
    }

    /** The distinct alternatives at a position, in the order of their priority. */
    private final class Threads {
        private final int[] pending = new int[program.size()];
        private final boolean[] seen = new boolean[program.size()];
        private final int[] stack = new int[2 * program.size() + 1];
        private int count;

        void clear() {
            count = 0;
            Arrays.fill(seen, false);
        }

        void add(int first, NormalizedText text, int at) {
            int depth = 0;
            stack[depth++] = first;
            while (depth > 0) {
                int index = stack[--depth];
                if (!seen[index]) {
                    seen[index] = true;
                    depth = follow(index, text, at, depth);
                }
            }
        }

        private int follow(int index, NormalizedText text, int at, int stacked) {
            Instruction instruction = program.get(index);
            int depth = stacked;
            switch (instruction.code) {
                case JUMP -> stack[depth++] = instruction.next;
                case SPLIT -> {
                    stack[depth++] = instruction.other;
                    stack[depth++] = instruction.next;
                }
                case LOOKAHEAD -> {
                    if (test(instruction, at < text.length() ? text.at(at) : RegexNode.END)) {
                        stack[depth++] = instruction.next;
                    }
                }
                default -> pending[count++] = index;
            }
            return depth;
        }
    }
}
