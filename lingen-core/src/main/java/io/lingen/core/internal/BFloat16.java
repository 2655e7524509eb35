package io.lingen.core.internal;

/** Conversions of bfloat16 values, held as the bits of a {@code short}: the upper half of an IEEE 754 binary32. */
public final class BFloat16 {
    private BFloat16() {}

    /** The value of the bits, exactly. */
    public static float toFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** The nearest bfloat16, ties to even. NaN stays NaN; values beyond the largest become infinite. */
    public static short fromFloat(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (value != value) {
            // A payload in the lower half alone would otherwise round to infinity.
            return (short) ((bits >>> 16) | 0x40);
        }
        return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
    }

    /** The value after a round trip through bfloat16. */
    public static float round(float value) {
        return toFloat(fromFloat(value));
    }
}
