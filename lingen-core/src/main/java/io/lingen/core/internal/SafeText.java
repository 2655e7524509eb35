package io.lingen.core.internal;

/**
 * Text from files and users in a form that is safe for messages: short, and without characters that a terminal or a log would interpret.
 * Control characters, invisible format characters (such as those that change the direction of text) and halves of surrogate pairs become
 * escapes such as {@code \}{@code u001b}. The joiners inside emoji and scripts stay.
 */
public final class SafeText {
    private static final int MAX_CODE_POINTS = 80;
    private static final String DOTS = "...";
    private static final int ZERO_WIDTH_NON_JOINER = 0x200C;
    private static final int ZERO_WIDTH_JOINER = 0x200D;

    private SafeText() {}

    /**
     * {@return the start of a text, at most 80 characters}
     *
     * @param text any text
     */
    public static String of(String text) {
        return of(text, MAX_CODE_POINTS);
    }

    /**
     * {@return the start of a text, followed by dots if it was cut}
     *
     * @param text any text
     * @param maxCodePoints the largest number of characters
     */
    public static String of(String text, int maxCodePoints) {
        StringBuilder safe = new StringBuilder();
        int at = 0;
        for (int count = 0; at < text.length() && count < maxCodePoints; count++) {
            int codePoint = text.codePointAt(at);
            append(safe, codePoint);
            at += Character.charCount(codePoint);
        }
        return at < text.length() ? safe.append(DOTS).toString() : safe.toString();
    }

    /**
     * {@return the end of a text, with dots in front if it was cut}
     *
     * @param text any text
     * @param maxCodePoints the largest number of characters
     */
    public static String endOf(String text, int maxCodePoints) {
        int from = text.length();
        for (int count = 0; from > 0 && count < maxCodePoints; count++) {
            from -= Character.charCount(text.codePointBefore(from));
        }
        return (from > 0 ? DOTS : "") + of(text.substring(from), maxCodePoints);
    }

    /**
     * {@return a code point, escaped if necessary}
     *
     * @param codePoint any code point
     */
    public static String of(int codePoint) {
        StringBuilder safe = new StringBuilder();
        append(safe, codePoint);
        return safe.toString();
    }

    private static void append(StringBuilder safe, int codePoint) {
        if (isHarmless(codePoint)) {
            safe.appendCodePoint(codePoint);
        } else {
            for (char unit : Character.toChars(codePoint)) {
                safe.append(String.format("\\u%04x", (int) unit));
            }
        }
    }

    private static boolean isHarmless(int codePoint) {
        switch (Character.getType(codePoint)) {
            case Character.CONTROL:
            case Character.SURROGATE:
            case Character.LINE_SEPARATOR:
            case Character.PARAGRAPH_SEPARATOR:
                return false;
            case Character.FORMAT:
                return codePoint == ZERO_WIDTH_NON_JOINER || codePoint == ZERO_WIDTH_JOINER;
            default:
                return true;
        }
    }
}
