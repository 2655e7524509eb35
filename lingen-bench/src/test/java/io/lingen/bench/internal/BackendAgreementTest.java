package io.lingen.bench.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** How far two clips are apart. */
final class BackendAgreementTest {
    @Test
    void decibelsAreThoseOfPixels() {
        assertEquals(Double.POSITIVE_INFINITY, BackendAgreement.decibels(new float[] {1, 2}, new float[] {1, 3}));
        // One step of 0.02 on a scale 2 wide: 20 log10(2 / 0.02).
        assertEquals(40, BackendAgreement.decibels(new float[] {0, 0.5f}, new float[] {0.02f, 0.48f}), 1e-4);
        assertThrows(
                IllegalStateException.class, () -> BackendAgreement.decibels(new float[] {Float.NaN}, new float[] {0}));
    }

    @Test
    void aBackendAgreesWithItself() {
        int code = new CommandLine(new BackendAgreement())
                .execute("--backends", "cpu,cpu", "--size", "32x32", "--seconds", "1", "--steps", "2");
        assertEquals(0, code);
    }
}
