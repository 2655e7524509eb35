package io.lingen.internal.text;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Decoding of HTML character references by the rules of the HTML standard (section 13.2.5, as Python's {@code html.unescape} applies them):
 * decimal, hexadecimal, and all 2,125 names, of which 106 need no semicolon.
 */
final class HtmlEntities {
    private static final Pattern REFERENCE =
            Pattern.compile("&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\\t\\n\\f <&#;]{1,32};?)");
    private static final Charset WINDOWS_1252 = Charset.forName("windows-1252");
    private static final char REPLACEMENT = '\uFFFD';
    private static final int SHORTEST_NAME = 2;

    /** Characters by name; a name ends in its semicolon unless it needs none. */
    private static final Map<String, String> NAMED = read();

    private HtmlEntities() {}

    /** The resource has a name and its code points, in hexadecimal, on each line. */
    private static Map<String, String> read() {
        Map<String, String> named = new HashMap<>();
        try (InputStream stream = Objects.requireNonNull(HtmlEntities.class.getResourceAsStream("html-entities.txt"));
                BufferedReader lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.US_ASCII))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] fields = line.split(" ");
                StringBuilder characters = new StringBuilder();
                for (int i = 1; i < fields.length; i++) {
                    characters.appendCodePoint(Integer.parseInt(fields[i], 16));
                }
                named.put(fields[0], characters.toString());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return Map.copyOf(named);
    }

    /** {@return the text with all references decoded once} What a reference decodes to is not decoded again. */
    static String unescape(String text) {
        if (text.indexOf('&') < 0) {
            return text;
        }
        return REFERENCE.matcher(text).replaceAll(match -> Matcher.quoteReplacement(decode(match)));
    }

    private static String decode(MatchResult match) {
        String reference = match.group(1);
        if (reference.charAt(0) == '#') {
            return number(reference);
        }
        String exact = NAMED.get(reference);
        if (exact != null) {
            return exact;
        }
        for (int length = reference.length() - 1; length >= SHORTEST_NAME; length--) {
            String start = NAMED.get(reference.substring(0, length));
            if (start != null) {
                return start + reference.substring(length);
            }
        }
        return match.group();
    }

    private static String number(String reference) {
        boolean hexadecimal = Character.toLowerCase(reference.charAt(1)) == 'x';
        int codePoint = 0;
        for (int i = hexadecimal ? 2 : 1; i < reference.length() && reference.charAt(i) != ';'; i++) {
            int digit = Character.digit(reference.charAt(i), hexadecimal ? 16 : 10);
            // Any number beyond the last code point stands for itself.
            codePoint = Math.min(codePoint * (hexadecimal ? 16 : 10) + digit, Character.MAX_CODE_POINT + 1);
        }
        if (codePoint >= 0x80 && codePoint <= 0x9F) {
            return Character.toString(windows1252(codePoint));
        }
        if (codePoint == 0 || codePoint > Character.MAX_CODE_POINT || isSurrogate(codePoint)) {
            return String.valueOf(REPLACEMENT);
        }
        return isDropped(codePoint) ? "" : Character.toString(codePoint);
    }

    /** The character of a byte from 0x80 to 0x9F; a byte without a character keeps its value. */
    static int windows1252(int value) {
        char character = new String(new byte[] {(byte) value}, WINDOWS_1252).charAt(0);
        return character == REPLACEMENT ? value : character;
    }

    private static boolean isSurrogate(int codePoint) {
        return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
    }

    private static boolean isDropped(int codePoint) {
        boolean control = codePoint < ' ' && "\t\n\f\r".indexOf(codePoint) < 0 || codePoint == 0x7F;
        boolean noncharacter = codePoint >= 0xFDD0 && codePoint <= 0xFDEF || (codePoint & 0xFFFE) == 0xFFFE;
        return control || noncharacter;
    }
}
