package io.lingen.internal.tokenizer;

import io.lingen.core.internal.SafeText;
import java.util.function.IntPredicate;

/** Scanner of the characters and escapes of a pattern. */
final class RegexScanner {
    private final String pattern;
    private int at;

    RegexScanner(String pattern) {
        this.pattern = pattern;
    }

    boolean hasNext() {
        return at < pattern.length();
    }

    int position() {
        return at;
    }

    String since(int begin) {
        return pattern.substring(begin, at);
    }

    boolean isAt(String text) {
        return pattern.startsWith(text, at);
    }

    boolean skip(String text) {
        boolean found = isAt(text);
        at += found ? text.length() : 0;
        return found;
    }

    void expect(String text) {
        if (!skip(text)) {
            throw unsupported("no " + text + " at character " + at);
        }
    }

    int next() {
        if (!hasNext()) {
            throw unsupported("its end where a character should be");
        }
        int codePoint = pattern.codePointAt(at);
        at += Character.charCount(codePoint);
        return codePoint;
    }

    int number(int max) {
        int begin = at;
        int value = 0;
        while (hasNext() && pattern.charAt(at) >= '0' && pattern.charAt(at) <= '9' && value <= max) {
            value = 10 * value + next() - '0';
        }
        if (begin == at || value > max) {
            throw unsupported("a repetition of other than 0 to " + max);
        }
        return value;
    }

    /** Whether the scanner is at an escape for a set of characters. */
    boolean isAtClassEscape() {
        return at + 1 < pattern.length()
                && pattern.charAt(at) == '\\'
                && "sSdDwWpP".indexOf(pattern.charAt(at + 1)) >= 0;
    }

    /**
     * Reads an escape and returns the characters that it matches.
     *
     * @param isInClass whether it is in a character class, where {@code \\w} does not match {@link Characters#isLatinNumber}
     */
    IntPredicate escape(boolean isInClass) {
        if (!isAtClassEscape()) {
            int literal = literal();
            return codePoint -> codePoint == literal;
        }
        expect("\\");
        int kind = next();
        return switch (kind) {
            case 's' -> Characters::isWhitespace;
            case 'S' -> codePoint -> !Characters.isWhitespace(codePoint);
            case 'd' -> Character::isDigit;
            case 'D' -> codePoint -> !Character.isDigit(codePoint);
            case 'w' -> word(isInClass);
            case 'W' -> word(isInClass).negate();
            default -> property(kind == 'P');
        };
    }

    private static IntPredicate word(boolean isInClass) {
        return isInClass
                ? Characters::isWordOfOniguruma
                : codePoint -> Characters.isWordOfOniguruma(codePoint) || Characters.isLatinNumber(codePoint);
    }

    private IntPredicate property(boolean negative) {
        expect("{");
        boolean negated = negative != skip("^");
        int begin = at;
        while (hasNext() && !isAt("}")) {
            next();
        }
        String name = since(begin);
        expect("}");
        IntPredicate property =
                switch (name) {
                    case "L" -> Character::isLetter;
                    case "Lu" -> codePoint -> Character.getType(codePoint) == Character.UPPERCASE_LETTER;
                    case "Ll" -> codePoint -> Character.getType(codePoint) == Character.LOWERCASE_LETTER;
                    case "M" -> Characters::isMarkOfJdk;
                    case "N" -> Characters::isNumber;
                    case "Nd" -> Character::isDigit;
                    case "P" -> Characters::isAnyPunctuation;
                    default -> throw unsupported("the property " + SafeText.of(name));
                };
        return negated ? property.negate() : property;
    }

    /** Reads a character or the escape of a character. */
    int literal() {
        int codePoint = next();
        if (codePoint != '\\') {
            return codePoint;
        }
        int escaped = next();
        switch (escaped) {
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'f':
                return '\f';
            default:
                if (escaped >= 0x80 || Character.isLetterOrDigit(escaped)) {
                    throw unsupported("the escape \\" + Character.toString(escaped));
                }
                return escaped;
        }
    }

    IllegalArgumentException unsupported(String found) {
        return new IllegalArgumentException("must use the supported subset of Oniguruma's syntax, found " + found);
    }
}
