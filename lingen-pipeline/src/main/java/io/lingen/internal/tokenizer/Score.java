package io.lingen.internal.tokenizer;

/**
 * Parser of decimal numbers that rounds like serde_json without its feature float_roundtrip: it multiplies or divides the leading digits
 * that fit in 64 bits by a power of ten. The result can differ from the nearest double in the last bit. That bit can decide between
 * segmentations of equal score.
 */
final class Score {
    private static final int MAX_POWER = 308;
    private static final double[] POWERS = powers();
    private static final long LAST_TENTH = Long.divideUnsigned(-1, 10);
    private static final int LAST_DIGIT = (int) Long.remainderUnsigned(-1, 10);

    private Score() {}

    private static double[] powers() {
        double[] powers = new double[MAX_POWER + 1];
        for (int i = 0; i < powers.length; i++) {
            powers[i] = Double.parseDouble("1e" + i);
        }
        return powers;
    }

    /** The value of a JSON number; infinite if it is too large. */
    static double parse(String number) {
        long significand = 0;
        int exponent = 0;
        boolean isFraction = false;
        boolean isFull = false;
        int i = number.startsWith("-") ? 1 : 0;
        for (; i < number.length() && (number.charAt(i) | 0x20) != 'e'; i++) {
            if (number.charAt(i) == '.') {
                isFraction = true;
                continue;
            }
            int digit = number.charAt(i) - '0';
            isFull |= overflows(significand, digit);
            if (isFull) {
                exponent += isFraction ? 0 : 1;
            } else {
                significand = 10 * significand + digit;
                exponent -= isFraction ? 1 : 0;
            }
        }
        if (i < number.length()) {
            exponent += exponent(number.substring(i + 1));
        }
        double value = scaled(toDouble(significand), exponent);
        return number.startsWith("-") ? -value : value;
    }

    private static boolean overflows(long significand, int digit) {
        int order = Long.compareUnsigned(significand, LAST_TENTH);
        return order > 0 || order == 0 && digit > LAST_DIGIT;
    }

    /** An exponent, clamped to a range that exceeds that of doubles. */
    private static int exponent(String digits) {
        return (int) Math.clamp(Double.parseDouble(digits), -1e6, 1e6);
    }

    private static double scaled(double significand, int exponent) {
        if (exponent >= 0) {
            return significand == 0
                    ? 0
                    : exponent > MAX_POWER ? Double.POSITIVE_INFINITY : significand * POWERS[exponent];
        }
        double value = significand;
        int left = -exponent;
        while (left > MAX_POWER && value != 0) {
            value /= POWERS[MAX_POWER];
            left -= MAX_POWER;
        }
        return value == 0 ? 0 : value / POWERS[left];
    }

    private static double toDouble(long unsigned) {
        // Halve with a sticky bit, so that the conversion rounds like one of the full number.
        return unsigned >= 0 ? unsigned : (unsigned >>> 1 | unsigned & 1) * 2.0;
    }
}
