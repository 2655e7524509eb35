package io.lingen.core.mutation;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;

/**
 * Random damage to a file in one to three places: flipped bits, replaced bytes, truncation, growth, and changes specific to JSON and
 * lengths.
 */
final class Damage {
    private static final String[] TOKENS = {
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\u0000",
        "\\ud800",
        "\u001b[2J",
        "-1",
        "0",
        "1e9",
        "1e999",
        "0.5",
        "NaN",
        "null",
        "true",
        "{}",
        "[]",
        "\"F32\"",
        "\"F64\"",
        "\"..\"",
        "\"../x\"",
        "\"/\"",
        "2147483647",
        "2147483648",
        "4294967296",
        "9223372036854775807",
        "18446744073709551616",
        "99999999999999999999999999999999999999",
        "__metadata__",
        "data_offsets",
        " "
    };
    private static final int FEW = 16;

    private Damage() {}

    /** Returns a damaged copy; most places are among the first {@code focus} bytes. */
    static byte[] of(byte[] good, int focus, Random random) {
        byte[] bytes = good;
        for (int i = 1 + random.nextInt(3); i > 0; i--) {
            int at = place(bytes.length, focus, random);
            bytes = once(bytes, at, random);
        }
        return bytes;
    }

    private static int place(int length, int focus, Random random) {
        int bound =
                switch (random.nextInt(8)) {
                    case 0 -> 8;
                    case 1 -> length;
                    default -> focus;
                };
        return length == 0 ? 0 : random.nextInt(Math.clamp(bound, 1, length));
    }

    private static byte[] once(byte[] bytes, int at, Random random) {
        return switch (random.nextInt(11)) {
            case 0 -> with(bytes, at, bytes.length == 0 ? 0 : bytes[at] ^ 1 << random.nextInt(8));
            case 1 -> with(bytes, at, random.nextInt(256));
            case 2 -> Arrays.copyOf(bytes, at);
            case 3 -> Arrays.copyOf(bytes, bytes.length + 1 + random.nextInt(FEW));
            case 4 -> replace(bytes, at, 0, token(random));
            case 5 -> replace(bytes, at, random.nextInt(FEW), token(random));
            case 6 -> replace(bytes, at, random.nextInt(FEW), new byte[0]);
            case 7 -> replace(bytes, at, 0, Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + 4 * FEW)));
            case 8 -> replace(bytes, at, 0, nested(random));
            case 9 -> number(bytes, at, token(random));
            default -> with(bytes, digit(bytes, at), '0' + random.nextInt(10));
        };
    }

    private static byte[] token(Random random) {
        return TOKENS[random.nextInt(TOKENS.length)].getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] nested(Random random) {
        return (random.nextBoolean() ? "[" : "{\"a\":")
                .repeat(1 << random.nextInt(12))
                .getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] with(byte[] bytes, int at, int value) {
        byte[] changed = bytes.clone();
        if (at < changed.length) {
            changed[at] = (byte) value;
        }
        return changed;
    }

    /** Replaces the integer at or after a place. */
    private static byte[] number(byte[] bytes, int at, byte[] token) {
        int from = digit(bytes, at);
        int to = from;
        while (to < bytes.length && isDigit(bytes[to])) {
            to++;
        }
        return replace(bytes, from, to - from, token);
    }

    private static int digit(byte[] bytes, int at) {
        int digit = at;
        while (digit < bytes.length && !isDigit(bytes[digit])) {
            digit++;
        }
        return digit;
    }

    private static boolean isDigit(byte value) {
        return value >= '0' && value <= '9';
    }

    private static byte[] replace(byte[] bytes, int at, int removed, byte[] inserted) {
        ByteArrayOutputStream changed = new ByteArrayOutputStream();
        changed.write(bytes, 0, at);
        changed.writeBytes(inserted);
        int rest = Math.min(bytes.length, at + removed);
        changed.write(bytes, rest, bytes.length - rest);
        return changed.toByteArray();
    }
}
