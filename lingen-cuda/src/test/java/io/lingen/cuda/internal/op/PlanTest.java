package io.lingen.cuda.internal.op;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Padding;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tests of the division of work into blocks. */
final class PlanTest {
    private static final int H200_MULTIPROCESSORS = 132;
    private static final int H200_SHARED = 233472;

    @ParameterizedTest
    @CsvSource({
        // steps, heads, state
        "39168, 80, 128",
        "156672, 80, 128",
        "34816, 80, 128",
        "1, 1, 1",
        "63, 80, 16",
        "64, 12, 17",
        "65, 12, 32",
        "100000, 1, 64",
        "2448, 12, 32"
    })
    void segmentsCoverTheSequenceOnce(int steps, int heads, int state) {
        ScanPlan plan = ScanPlan.of(steps, heads, state, H200_MULTIPROCESSORS, H200_SHARED);
        int chunks = Math.ceilDiv(steps, ScanPlan.CHUNK);
        assertTrue(plan.segments() * plan.chunksPerSegment() >= chunks, plan.toString());
        assertTrue((plan.segments() - 1) * plan.chunksPerSegment() < chunks, "no segment is empty: " + plan);
        assertTrue(plan.paddedState() >= state && plan.paddedState() % 16 == 0, plan.toString());
        assertTrue(plan.emitSharedBytes() <= 99 << 10, "consumer devices have 99 KiB per block: " + plan);
        assertTrue(plan.statesSharedBytes() <= plan.emitSharedBytes(), plan.toString());
    }

    @ParameterizedTest
    @CsvSource({"39168", "34816", "156672", "139264"})
    void largeScansFillTheDevice(int steps) {
        ScanPlan plan = ScanPlan.of(steps, 80, 128, H200_MULTIPROCESSORS, H200_SHARED);
        // Two blocks of 128 threads fit the registers and the shared memory of a multiprocessor.
        int slots = 2 * H200_MULTIPROCESSORS;
        int waves = Math.ceilDiv(80 * plan.segments(), slots);
        double busy = 80.0 * plan.chunks() / ((double) waves * plan.chunksPerSegment() * slots);
        assertTrue(waves <= 4 && busy > 0.93, "utilization " + busy + " of " + plan);
    }

    @Test
    void unsupportedSizesUseTheRecurrence() {
        assertTrue(ScanPlan.fits(64, 128, 4));
        assertFalse(ScanPlan.fits(65, 128, 4));
        assertFalse(ScanPlan.fits(64, 129, 4));
        assertFalse(ScanPlan.fits(64, 128, 9));
    }

    @ParameterizedTest
    @CsvSource({
        "true, 128, 35000, false, attention_bf16_128_many, 128",
        "true, 128, 35000, true, attention_bf16_128_biased, 64",
        "true, 80, 64, false, attention_bf16_128_few, 64",
        "true, 33, 256, false, attention_bf16_64_many, 128",
        "true, 32, 1, false, attention_bf16_32_few, 64",
        "false, 64, 1000, true, attention_plain, 4",
        "true, 129, 1000, false, attention_wide_256, 64",
        "true, 384, 6240, false, attention_wide_384, 64",
        "true, 512, 1, false, attention_wide_512, 64",
        "true, 384, 6240, true, attention_plain, 4",
        "false, 384, 6240, false, attention_plain, 4",
        "true, 520, 1000, false, attention_plain, 4"
    })
    void kernelsDependOnHeadsAndLengths(
            boolean bf16, int headDim, int queries, boolean biased, String kernel, int rows) {
        Attention.Plan plan = Attention.Plan.of(bf16, headDim, queries, biased, 227 << 10);
        assertEquals(kernel, plan.kernel());
        assertEquals(rows, plan.queriesPerBlock());
        int most = plan.source().equals("attention_wide") ? 163 : 99;
        assertTrue(plan.sharedBytes() <= most << 10, "consumer devices have 99 KiB per block: " + plan);
    }

    @Test
    void wideHeadsBeyondSharedMemoryUseThePlainKernel() {
        assertEquals(
                "attention_wide_256",
                Attention.Plan.of(true, 256, 1000, false, 99 << 10).kernel());
        assertEquals(
                "attention_plain",
                Attention.Plan.of(true, 384, 1000, false, 99 << 10).kernel());
    }

    @ParameterizedTest
    @CsvSource({
        "128, 34816, attention_sm90_128_128",
        "128, 64, attention_sm90_128_64",
        "72, 65, attention_sm90_128_128",
        "64, 256, attention_sm90_64_128",
        "40, 1, attention_sm90_64_64"
    })
    void warpgroupKernelsArePersistent(int headDim, int keys, String kernel) {
        assertTrue(Attention.Plan.fitsWarpgroups(headDim));
        Attention.Plan plan = Attention.Plan.ofWarpgroups(headDim, keys);
        assertEquals(kernel, plan.kernel());
        assertTrue(plan.sharedBytes() <= 227 << 10, plan.toString());
        assertEquals(
                H200_MULTIPROCESSORS, plan.launch(272, 20, H200_MULTIPROCESSORS).gridX());
        assertEquals(6, plan.launch(2, 3, H200_MULTIPROCESSORS).gridX());
    }

    @Test
    void narrowAndWideHeadsDoNotUseWarpgroups() {
        assertFalse(Attention.Plan.fitsWarpgroups(32));
        assertFalse(Attention.Plan.fitsWarpgroups(136));
    }

    @ParameterizedTest
    @CsvSource({"1025, 160", "2560, 320", "4096, 512", "4104, 288", "5120, 320", "8192, 512"})
    void normThreadsDivideTheRowEvenly(int d, int threads) {
        assertEquals(threads, Norms.threads(d));
    }

    @Test
    void oversizedHeadsAreRejected() {
        assertThrows(IllegalArgumentException.class, () -> Attention.Plan.of(true, 1025, 1, false, 227 << 10));
    }

    @ParameterizedTest
    @CsvSource({
        // video, kernel, boxes, cells of a patch
        "32, 512, 512,  1, 3, 3,  32768, 324",
        "32, 512, 512,  3, 1, 1,  32768, 272",
        "32, 512, 512,  1, 1, 1,  32768, 256",
        "4, 64, 64,  1, 3, 3,  64, 324",
        "4, 64, 64,  3, 1, 1,  64, 384",
        "272, 1, 1,  1, 1, 1,  2, 256",
        "1, 1, 1,  1, 1, 1,  1, 256"
    })
    void boxesMinimizePatches(int t, int h, int w, int kt, int kh, int kw, long count, int patch) {
        Boxes boxes = Boxes.of(source(kt, kh, kw), Shape.of(t, h, w, 8));
        assertNotNull(boxes);
        assertEquals(8, boxes.t() + boxes.h() + boxes.w());
        assertEquals(count, boxes.count(), boxes::toString);
        assertEquals(patch, boxes.patchCells(), boxes::toString);
    }

    @Test
    void patchesBeyondSharedMemoryAreUnsupported() {
        assertNull(Boxes.of(source(3, 3, 3), Shape.of(8, 32, 32, 8)));
        assertNull(Boxes.of(source(999, 999, 1), Shape.of(8, 32, 32, 8)));
    }

    private static ConvolutionParameters source(int kt, int kh, int kw) {
        return new ConvolutionParameters(
                HostTensor.of(new float[kt * kh * kw], 1, 1, kt, kh, kw),
                HostTensor.of(new float[1], 1),
                Dims3.ONE,
                Padding.same(new Dims3(kt, kh, kw)));
    }
}
