package io.lingen.core.contract;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.op.Grid;
import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanOrder;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import java.util.Arrays;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The contract of {@link io.lingen.core.backend.Backend#selectiveScan}. */
public abstract class ScanContract extends BackendContract {
    /** Allows for the rounding errors of differences of cumulative sums, which grow with the chunk. */
    private static final double F32_TOLERANCE = 1e-5;

    private static final Grid GRID = new Grid(3, 5, 4);
    private static final Grid PREFIX = new Grid(2, 3, 2);
    private static final ScanSpec SPEC = new ScanSpec(24, 5, 1, 8, 4, 16);

    static Stream<Arguments> paths() {
        return Stream.of("thw", "twh", "htw", "hwt", "wth", "wht").flatMap(axes -> Stream.of(false, true)
                .flatMap(zigzag -> Stream.of(false, true).flatMap(backward -> Stream.of(false, true)
                        .map(prefix -> Arguments.of(
                                new ScanPath(GRID, prefix ? PREFIX : null, ScanOrder.of(axes, zigzag), backward))))));
    }

    @ParameterizedTest
    @MethodSource("paths")
    void allPathsMatchTheReference(ScanPath path) {
        new Case(SPEC, path, DType.F32, 0, 0).assertScan(DType.F32, F32_TOLERANCE);
    }

    @ParameterizedTest
    @CsvSource({
        // di, n, groups, head, taps, chunk
        "1, 1, 1, 1, 1, 1",
        "1, 1, 1, 1, 4, 64",
        "7, 3, 1, 7, 2, 13",
        "6, 17, 3, 1, 3, 5",
        "24, 16, 3, 4, 4, 31",
        "32, 15, 2, 8, 4, 33",
        "34, 16, 2, 17, 4, 59",
        "62, 33, 1, 31, 4, 60",
        "66, 31, 2, 33, 5, 61",
        "128, 32, 1, 64, 4, 256",
        "130, 64, 1, 65, 4, 32"
    })
    void allSizesMatchTheReference(int di, int n, int groups, int head, int taps, int chunk) {
        ScanSpec spec = new ScanSpec(di, n, groups, head, taps, chunk);
        for (boolean backward : new boolean[] {false, true}) {
            new Case(spec, path(GRID, PREFIX, backward), DType.F32, 0, 0).assertScan(DType.F32, F32_TOLERANCE);
        }
    }

    @ParameterizedTest
    @CsvSource({"F32, BF16", "BF16, F32", "BF16, BF16"})
    void typesMayBeMixed(DType in, DType out) {
        ScanSpec spec = new ScanSpec(64, 32, 1, 32, 4, 32);
        for (boolean backward : new boolean[] {false, true}) {
            new Case(spec, path(new Grid(5, 7, 3), new Grid(3, 4, 2), backward), in, 0, 0)
                    .assertScan(out, tolerance(1, in, out));
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "1, 1, 2", "1, 2, 1", "3, 1, 1", "1, 1, 17", "1, 31, 1", "2, 2, 2"})
    void shortSequencesMatchTheReference(int t, int h, int w) {
        for (Grid prefix : new Grid[] {null, new Grid(1, 1, 1), new Grid(1, 2, 1)}) {
            for (boolean backward : new boolean[] {false, true}) {
                new Case(SPEC, path(new Grid(t, h, w), prefix, backward), DType.F32, 0, 0)
                        .assertScan(DType.F32, F32_TOLERANCE);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 15, 16, 17, 72, 73, 1000})
    void resultsAreIndependentOfTheChunk(int chunk) {
        ScanSpec spec = new ScanSpec(32, 16, 2, 8, 4, chunk);
        new Case(spec, path(GRID, PREFIX, false), DType.F32, 0, 0).assertScan(DType.F32, F32_TOLERANCE);
    }

    @Test
    void longSequencesKeepTheirState() {
        ScanSpec spec = new ScanSpec(16, 8, 1, 8, 4, 64);
        Case slow = new Case(spec, path(new Grid(11, 13, 7), new Grid(6, 7, 4), false), DType.F32, -6, -3);
        slow.assertScan(DType.F32, F32_TOLERANCE);
    }

    @ParameterizedTest
    @CsvSource({
        // Large dt and fast decay, where exp underflows; large dt; tiny dt; no decay; all of them.
        "50, 3",
        "30, -4",
        "-60, 0",
        "0, -30",
        "90, 8",
        "-100, 10"
    })
    void extremeStepsGiveNoNaN(double dt, double aLog) {
        ScanSpec spec = new ScanSpec(16, 8, 1, 8, 4, 32);
        for (boolean backward : new boolean[] {false, true}) {
            new Case(spec, path(GRID, PREFIX, backward), DType.F32, dt, aLog).assertScan(DType.F32, F32_TOLERANCE);
        }
    }

    @Test
    void backwardScansIgnoreThePrefix() {
        Case scan = new Case(SPEC, path(GRID, PREFIX, true), DType.F32, 0, 0);
        float[] poison = new float[(int) PREFIX.cells() * scan.columns.count()];
        Arrays.fill(poison, Float.NaN);
        backend()
                .write(
                        HostTensor.of(poison, PREFIX.cells(), scan.columns.count()),
                        scan.projection.tensor().slice(0, PREFIX.cells()));
        scan.assertScan(DType.F32, F32_TOLERANCE);
    }

    @Test
    void resultsAreDeterministic() {
        Case scan = new Case(new ScanSpec(128, 16, 1, 16, 4, 16), path(GRID, PREFIX, false), DType.F32, 0, 0);
        Tensor first = output(DType.F32, GRID.cells(), 128);
        Tensor second = output(DType.F32, GRID.cells(), 128);
        scan.run(false, first);
        scan.run(false, second);
        assertArrayEquals(floats(first), floats(second));
    }

    @Test
    void invalidArgumentsAreRejected() {
        Case scan = new Case(SPEC, path(GRID, PREFIX, false), DType.F32, 0, 0);
        long cells = GRID.cells();
        Tensor y = output(DType.F32, cells, SPEC.innerWidth());
        ScanWeights weights = scan.weights();
        ScanInput input = scan.input();
        ScanPath path = scan.path;
        assertRejected(input, path, SPEC, weights, output(DType.F32, cells + 1, SPEC.innerWidth()));
        assertRejected(input, path, SPEC, weights, output(DType.F32, cells, SPEC.innerWidth() + 1));
        assertRejected(input, path(GRID, null, false), SPEC, weights, y);
        assertRejected(input, path, new ScanSpec(24, 5, 1, 4, 4, 16), weights, y);
        assertRejected(input, path, new ScanSpec(24, 5, 1, 8, 3, 16), weights, y);
        assertRejected(input, path, new ScanSpec(24, 6, 1, 8, 4, 16), weights, y);
        for (long column : new long[] {-1, scan.columns.count(), Long.MAX_VALUE}) {
            Tensor p = input.projection();
            assertRejected(new ScanInput(p, column, input.b(), input.c(), input.dt()), path, SPEC, weights, y);
            assertRejected(new ScanInput(p, input.x(), column, input.c(), input.dt()), path, SPEC, weights, y);
            assertRejected(new ScanInput(p, input.x(), input.b(), column, input.dt()), path, SPEC, weights, y);
            assertRejected(new ScanInput(p, input.x(), input.b(), input.c(), column), path, SPEC, weights, y);
        }
        Tensor bf16 = normal(DType.BF16, 1, SPEC.heads()).tensor();
        assertRejected(
                input,
                path,
                SPEC,
                new ScanWeights(weights.convWeight(), weights.convBias(), bf16, weights.aLog(), weights.d()),
                y);
    }

    private void assertRejected(ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, Tensor y) {
        assertRejected(() -> backend().selectiveScan(input, path, spec, weights, false, y));
    }

    private static ScanPath path(Grid grid, @Nullable Grid prefix, boolean backward) {
        return new ScanPath(grid, prefix, ScanOrder.of("hwt", false), backward);
    }

    /** A scan with random inputs. dt and A are those of trained models plus the given offsets. */
    private final class Case {
        private final ScanSpec spec;
        private final ScanPath path;
        private final Sample projection;
        private final ReferenceScan.Columns columns;
        private final Sample convWeight;
        private final Sample convBias;
        private final Sample dtBias;
        private final Sample aLog;
        private final Sample skip;
        private final DType dtype;

        Case(ScanSpec spec, ScanPath path, DType dtype, double dtOffset, double aOffset) {
            this.spec = spec;
            this.path = path;
            this.dtype = dtype;
            int h = spec.heads();
            // The columns have another order than those of the model, with unused columns in between.
            int b = 1;
            int dt = b + spec.groupWidth() + 2;
            int x = dt + h;
            int c = x + spec.innerWidth() + 3;
            columns = new ReferenceScan.Columns(c + spec.groupWidth() + 1, x, b, c, dt);
            projection = normal(dtype, 1, path.rows(), columns.count());
            convWeight = normal(DType.F32, 0.5, spec.channels(), spec.convWidth());
            convBias = normal(DType.F32, 0.2, spec.channels());
            dtBias = sample(DType.F32, offset(normals(0.5, h), dtOffset - 2), h);
            aLog = sample(DType.F32, offset(normals(0.7, h), aOffset + 0.5), h);
            skip = normal(DType.F32, 1, h);
        }

        ScanInput input() {
            return new ScanInput(projection.tensor(), columns.x(), columns.b(), columns.c(), columns.dt());
        }

        ScanWeights weights() {
            return new ScanWeights(
                    convWeight.tensor(), convBias.tensor(), dtBias.tensor(), aLog.tensor(), skip.tensor());
        }

        void run(boolean accumulate, Tensor y) {
            backend().selectiveScan(input(), path, spec, weights(), accumulate, y);
        }

        /** Compares the scan with the recurrence, overwriting and accumulating. */
        void assertScan(DType out, double tolerance) {
            long cells = path.grid().cells();
            double[] expected = new double[(int) cells * spec.innerWidth()];
            ReferenceScan.selective(
                    projection.values(),
                    columns,
                    path,
                    spec,
                    new ReferenceScan.Parameters(
                            convWeight.values(), convBias.values(), dtBias.values(), aLog.values(), skip.values()),
                    expected);
            assertOverwritesAndAdds(expected, tolerance, this::run, out, cells, spec.innerWidth());
        }

        @Override
        public String toString() {
            return spec + " over " + path + " in " + dtype;
        }
    }

    private static float[] offset(float[] values, double offset) {
        for (int i = 0; i < values.length; i++) {
            values[i] += (float) offset;
        }
        return values;
    }
}
