package io.lingen.internal.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * Parser of a subset of Oniguruma's syntax that tokenizers use and that can be matched in linear time: characters, classes, groups,
 * alternatives, repetitions, lookahead at one character, and case-insensitive ASCII letters. Rejects everything else by name.
 */
final class RegexParser {
    private static final int MAX_LENGTH = 2000;
    private static final int MAX_DEPTH = 20;
    private static final int MAX_REPETITIONS = 1000;

    /** Pairs of letters that case-insensitive matching in Oniguruma also matches with a single character, such as ß. */
    private static final List<String> LIGATURES = List.of("ss", "st", "ff", "fi", "fl");

    private final RegexScanner scanner;

    private RegexParser(String pattern) {
        this.scanner = new RegexScanner(pattern);
    }

    /**
     * Parses and compiles a pattern.
     *
     * @throws IllegalArgumentException with the part that is wrong or not supported
     */
    static Regex compile(String pattern) {
        if (pattern.length() > MAX_LENGTH) {
            throw new IllegalArgumentException("must have at most " + MAX_LENGTH + " characters");
        }
        RegexParser parser = new RegexParser(pattern);
        RegexNode node = parser.alternatives(false, 0);
        if (parser.scanner.hasNext()) {
            throw parser.scanner.unsupported("unopened )");
        }
        if (node.matchesEmpty()) {
            throw new IllegalArgumentException("must not match the empty text");
        }
        return Regex.compile(node);
    }

    private RegexNode alternatives(boolean ignoreCase, int depth) {
        if (depth > MAX_DEPTH) {
            throw scanner.unsupported("groups nested deeper than " + MAX_DEPTH);
        }
        List<RegexNode> parts = new ArrayList<>();
        do {
            parts.add(sequence(ignoreCase, depth));
        } while (scanner.skip("|"));
        return RegexNode.alternatives(parts);
    }

    private RegexNode sequence(boolean ignoreCase, int depth) {
        List<RegexNode> parts = new ArrayList<>();
        int begin = scanner.position();
        while (scanner.hasNext() && !scanner.isAt("|") && !scanner.isAt(")")) {
            parts.add(repeated(atom(ignoreCase, depth)));
        }
        if (ignoreCase) {
            String text = scanner.since(begin).toLowerCase(java.util.Locale.ROOT);
            if (LIGATURES.stream().anyMatch(text::contains)) {
                throw scanner.unsupported("the letters " + LIGATURES + " without regard to case");
            }
        }
        return RegexNode.sequence(parts);
    }

    private RegexNode repeated(RegexNode atom) {
        int min;
        int max;
        if (scanner.skip("?")) {
            min = 0;
            max = 1;
        } else if (scanner.skip("*")) {
            min = 0;
            max = RegexNode.UNBOUNDED;
        } else if (scanner.skip("+")) {
            min = 1;
            max = RegexNode.UNBOUNDED;
        } else if (scanner.skip("{")) {
            min = scanner.number(MAX_REPETITIONS);
            max = min;
            if (scanner.skip(",")) {
                max = scanner.isAt("}") ? RegexNode.UNBOUNDED : scanner.number(MAX_REPETITIONS);
            }
            scanner.expect("}");
        } else {
            return atom;
        }
        if (max != RegexNode.UNBOUNDED && max < min) {
            throw scanner.unsupported("a repetition of " + min + " to " + max);
        }
        if (atom.matchesEmpty()) {
            throw scanner.unsupported("a repetition of what can be empty");
        }
        boolean lazy = scanner.skip("?");
        if (scanner.isAt("?") || scanner.isAt("*") || scanner.isAt("+") || scanner.isAt("{")) {
            throw scanner.unsupported("a repetition of a repetition");
        }
        return RegexNode.repetition(atom, min, max, lazy);
    }

    private RegexNode atom(boolean ignoreCase, int depth) {
        if (scanner.skip("(?=") || scanner.skip("(?!")) {
            boolean negative = scanner.since(scanner.position() - 1).equals("!");
            IntPredicate predicate = one(false);
            scanner.expect(")");
            return RegexNode.lookahead(
                    codePoint -> (codePoint != RegexNode.END && predicate.test(codePoint)) != negative);
        }
        if (scanner.skip("(?i:")) {
            return group(true, depth);
        }
        if (scanner.skip("(?:")) {
            return group(ignoreCase, depth);
        }
        if (scanner.isAt("(?")) {
            throw scanner.unsupported("a group of another kind than (?:, (?i:, (?= and (?!");
        }
        if (scanner.skip("(")) {
            return group(ignoreCase, depth);
        }
        return RegexNode.character(one(ignoreCase));
    }

    private RegexNode group(boolean ignoreCase, int depth) {
        RegexNode node = alternatives(ignoreCase, depth + 1);
        scanner.expect(")");
        return node;
    }

    /** Parses a character class, an escape, a dot or a literal character. */
    private IntPredicate one(boolean ignoreCase) {
        if (scanner.skip("[")) {
            if (ignoreCase) {
                throw scanner.unsupported("a class without regard to case");
            }
            return characterClass();
        }
        if (scanner.skip(".")) {
            return codePoint -> codePoint != '\n';
        }
        if (scanner.isAt("\\")) {
            return scanner.escape(false);
        }
        int literal = scanner.next();
        if ("^$?*+{)|".indexOf(literal) >= 0) {
            throw scanner.unsupported(Character.toString(literal));
        }
        return ignoreCase ? ignoringCase(literal) : codePoint -> codePoint == literal;
    }

    private IntPredicate ignoringCase(int literal) {
        if (literal >= 0x80) {
            throw scanner.unsupported("letters beyond ASCII without regard to case");
        }
        int lower = Character.toLowerCase(literal);
        // The Kelvin sign and the long s are the only characters outside ASCII that fold to an ASCII letter.
        int folded = lower == 'k' ? 0x212A : lower == 's' ? 0x17F : lower;
        return codePoint -> codePoint == lower || codePoint == Character.toUpperCase(lower) || codePoint == folded;
    }

    private IntPredicate characterClass() {
        boolean negated = scanner.skip("^");
        IntPredicate members = codePoint -> false;
        boolean first = true;
        while (first || !scanner.isAt("]")) {
            first = false;
            members = members.or(member());
        }
        scanner.expect("]");
        return negated ? members.negate() : members;
    }

    private IntPredicate member() {
        if (scanner.isAt("[") || scanner.isAt("&&") || scanner.isAt("]")) {
            throw scanner.unsupported("a class within a class");
        }
        if (scanner.isAtClassEscape()) {
            return scanner.escape(true);
        }
        int low = scanner.literal();
        if (!scanner.isAt("-") || scanner.isAt("-]")) {
            return codePoint -> codePoint == low;
        }
        scanner.expect("-");
        if (scanner.isAtClassEscape() || scanner.isAt("[")) {
            throw scanner.unsupported("a range to a class");
        }
        int high = scanner.literal();
        if (high < low) {
            throw scanner.unsupported("a range from the higher to the lower");
        }
        return codePoint -> low <= codePoint && codePoint <= high;
    }
}
