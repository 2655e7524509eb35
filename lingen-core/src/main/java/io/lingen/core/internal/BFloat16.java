package io.lingen.core.internal;

/** Conversions of bfloat16 values, held as the bits of a {@code short}: the upper half of an IEEE 754 binary32. */
public final class BFloat16 {
    private BFloat16() {}

    /**
     * {@return the exact value of a bfloat16}
     *
     * @param bits its bits
     */
    public static float toFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /**
     * {@return the bits of the nearest bfloat16, ties to even} NaN stays NaN; values beyond the largest become infinite.
     *
     * @param value any float
     */
    public static short fromFloat(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (value != value) {
            // Set a quiet bit: a NaN whose payload is in the lower half would become infinity.
            return (short) ((bits >>> 16) | 0x40);
        }
        return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
    }

    /**
     * {@return the value after a round trip through bfloat16}
     *
     * @param value any float
     */
    public static float round(float value) {
        return toFloat(fromFloat(value));
    }
}
