package io.lingen.core.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

final class BFloat16Test {
    @Test
    void allValuesSurviveTheRoundTrip() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            float value = BFloat16.toFloat((short) bits);
            if (Float.isNaN(value)) {
                assertTrue(Float.isNaN(BFloat16.round(value)));
            } else {
                assertEquals((short) bits, BFloat16.fromFloat(value));
            }
        }
    }

    @Test
    void roundsToNearestTiesToEven() {
        Random random = new Random(5);
        for (int i = 0; i < 200_000; i++) {
            float value = Float.intBitsToFloat(random.nextInt() & ~0x40000000);
            float down = Float.intBitsToFloat(Float.floatToRawIntBits(value) & 0xFFFF0000);
            float up = Float.intBitsToFloat((Float.floatToRawIntBits(value) & 0xFFFF0000) + 0x10000);
            double toDown = Math.abs((double) value - down);
            double toUp = Math.abs((double) value - up);
            boolean downIsEven = (Float.floatToRawIntBits(down) & 0x10000) == 0;
            float expected = toDown < toUp || toDown == toUp && downIsEven ? down : up;
            assertEquals(expected, BFloat16.round(value));
        }
        assertEquals(1f, BFloat16.round(Float.intBitsToFloat(0x3F808000)), "a tie, down to even");
        assertEquals(0x1.04p0f, BFloat16.round(Float.intBitsToFloat(0x3F818000)), "a tie, up to even");
    }

    @Test
    void extremeValuesAreConverted() {
        assertEquals(Float.POSITIVE_INFINITY, BFloat16.round(Float.MAX_VALUE));
        assertEquals(Float.NEGATIVE_INFINITY, BFloat16.round(Float.NEGATIVE_INFINITY));
        assertEquals(-0f, BFloat16.round(-0f));
        assertTrue(Float.isNaN(BFloat16.round(Float.intBitsToFloat(0x7F800001))), "a payload in the lower half alone");
    }
}
