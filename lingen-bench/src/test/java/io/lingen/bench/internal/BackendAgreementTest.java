package io.lingen.bench.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Tests of the comparison of backends. */
final class BackendAgreementTest {
    @Test
    void psnrIsOfClampedPixels() {
        assertEquals(Double.POSITIVE_INFINITY, BackendAgreement.psnr(new float[] {1, 2}, new float[] {1, 3}));
        // A difference of 0.02 in a range of 2: 20 log10(2 / 0.02).
        assertEquals(40, BackendAgreement.psnr(new float[] {0, 0.5f}, new float[] {0.02f, 0.48f}), 1e-4);
        assertThrows(
                IllegalStateException.class, () -> BackendAgreement.psnr(new float[] {Float.NaN}, new float[] {0}));
    }

    @Test
    void backendAgreesWithItself() {
        int code = new CommandLine(new BackendAgreement())
                .execute("--backends", "cpu,cpu", "--size", "32x32", "--seconds", "1", "--steps", "2");
        assertEquals(0, code);
    }
}
