package io.lingen.internal.text;

import java.text.Normalizer;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * The cleaning of prompts with which models of diffusers are trained: HTML character references are decoded, typographic variants become plain
 * characters, and white space is reduced to single spaces.
 *
 * <p>The original passes a prompt through the library ftfy, decodes references twice, and joins words with spaces. This class does the same with
 * ftfy's rules for single characters. Text that was decoded with the wrong charset ({@code "cafÃ©"}) is unchanged; ftfy recognizes it by
 * statistics and repairs it.
 */
public final class PromptCleaning {
    private static final Pattern TERMINAL_ESCAPE = Pattern.compile("\u001b\\[[0-9;]*[a-zA-Z]");

    private static final int APOSTROPHE_N = 0x0149;
    private static final char NEXT_LINE = 0x0085;

    private PromptCleaning() {}

    /**
     * {@return a prompt in its clean form}
     *
     * @param prompt any text
     */
    public static String clean(String prompt) {
        String text = HtmlEntities.unescape(HtmlEntities.unescape(prompt));
        text = TERMINAL_ESCAPE.matcher(text).replaceAll("");
        StringBuilder plain = new StringBuilder(text.length());
        text.codePoints().forEach(codePoint -> appendPlain(codePoint, plain));
        return joinWords(Normalizer.normalize(plain, Normalizer.Form.NFC));
    }

    /**
     * {@return a prompt in lower case, without white space around it} The result does not depend on the locale.
     *
     * @param prompt any text
     */
    public static String lowerCase(String prompt) {
        String text = prompt.toLowerCase(Locale.ROOT);
        int from = 0;
        int to = text.length();
        while (from < to && isWhiteSpace(text.charAt(from))) {
            from++;
        }
        while (from < to && isWhiteSpace(text.charAt(to - 1))) {
            to--;
        }
        return text.substring(from, to);
    }

    private static void appendPlain(int original, StringBuilder plain) {
        boolean isControl = original >= 0x80 && original <= 0x9F;
        int codePoint = isControl ? HtmlEntities.windows1252(original) : original;
        if (isSingleQuote(codePoint)) {
            plain.append('\'');
        } else if (codePoint >= 0x201C && codePoint <= 0x201F) {
            plain.append('"');
        } else if (codePoint == APOSTROPHE_N) {
            plain.append("'n");
        } else if (isLigature(codePoint) || isWidthVariant(codePoint)) {
            plain.append(Normalizer.normalize(Character.toString(codePoint), Normalizer.Form.NFKC));
        } else if (Character.getType(codePoint) == Character.SURROGATE) {
            plain.append('\uFFFD');
        } else if (!isRemoved(codePoint)) {
            plain.appendCodePoint(codePoint);
        }
    }

    private static boolean isSingleQuote(int codePoint) {
        return codePoint == 0x02BC || codePoint >= 0x2018 && codePoint <= 0x201B;
    }

    /** Latin letters that are written as one: IJ, DZ, LJ, NJ in all cases, and ff to st. */
    private static boolean isLigature(int codePoint) {
        return codePoint >= 0xFB00 && codePoint <= 0xFB06
                || codePoint >= 0x01C4 && codePoint <= 0x01CC
                || codePoint >= 0x01F1 && codePoint <= 0x01F3
                || codePoint == 0x0132
                || codePoint == 0x0133;
    }

    /** Full-width and half-width forms. */
    private static boolean isWidthVariant(int codePoint) {
        return codePoint >= 0xFF01 && codePoint <= 0xFFEF;
    }

    /** Control characters other than white space, deprecated format characters, byte order marks, annotation marks. */
    private static boolean isRemoved(int codePoint) {
        return codePoint < ' ' && "\t\n\f\r".indexOf(codePoint) < 0
                || codePoint == 0x7F
                || codePoint >= 0x206A && codePoint <= 0x206F
                || codePoint == 0xFEFF
                || codePoint >= 0xFFF9 && codePoint <= 0xFFFC;
    }

    private static String joinWords(String text) {
        StringBuilder joined = new StringBuilder(text.length());
        boolean gap = false;
        for (int i = 0; i < text.length(); i++) {
            char unit = text.charAt(i);
            if (isWhiteSpace(unit)) {
                gap = true;
            } else {
                if (gap && joined.length() > 0) {
                    joined.append(' ');
                }
                gap = false;
                joined.append(unit);
            }
        }
        return joined.toString();
    }

    private static boolean isWhiteSpace(char unit) {
        // The first test lacks tabs and line breaks, the second one lacks no-break spaces, and both lack the next-line
        // control.
        return Character.isSpaceChar(unit) || Character.isWhitespace(unit) || unit == NEXT_LINE;
    }
}
