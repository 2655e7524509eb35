package io.lingen.core.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.op.DiagonalScanWeights;
import io.lingen.core.op.Grid;
import io.lingen.core.op.ScanOrder;
import io.lingen.core.op.ScanPath;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The contract of the operations of Mamba1: {@link io.lingen.core.backend.Backend#causalConvolution} and
 * {@link io.lingen.core.backend.Backend#diagonalScan}.
 */
public abstract class Mamba1Contract extends BackendContract {
    private static final Grid GRID = new Grid(2, 5, 3);
    private static final Grid PREFIX = new Grid(1, 3, 2);

    @ParameterizedTest
    @CsvSource({
        // channels, taps, order, types
        "1, 1, thw, F32, F32",
        "3, 4, twh, F32, F32",
        "17, 2, htw, F32, F32",
        "31, 3, hwt, F32, F32",
        "33, 4, wth, F32, F32",
        "64, 4, wht, F32, F32",
        "5, 40, thw, F32, F32",
        "16, 4, hwt, F32, BF16",
        "16, 4, hwt, BF16, F32",
        "24, 4, wht, BF16, BF16"
    })
    void causalConvolution(int channels, int taps, String order, DType in, DType out) {
        for (Grid prefix : new Grid[] {null, PREFIX}) {
            for (boolean backward : new boolean[] {false, true}) {
                for (boolean zigzag : new boolean[] {false, true}) {
                    ScanPath path = new ScanPath(GRID, prefix, ScanOrder.of(order, zigzag), backward);
                    assertConvolution(path, channels, taps, in, out);
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        // width, state, order, types
        "1, 1, thw, F32, F32",
        "3, 16, twh, F32, F32",
        "17, 5, htw, F32, F32",
        "31, 17, hwt, F32, F32",
        "33, 15, wth, F32, F32",
        "64, 16, wht, F32, F32",
        "16, 16, hwt, F32, BF16",
        "16, 16, hwt, BF16, F32",
        "16, 16, wht, BF16, BF16"
    })
    void diagonalScan(int width, int state, String order, DType in, DType out) {
        for (boolean backward : new boolean[] {false, true}) {
            assertScan(path(order, PREFIX, backward), width, state, 0, in, out);
        }
        assertScan(path(order, null, false), width, state, 0, in, out);
    }

    @ParameterizedTest
    @CsvSource({"30", "90", "-60"})
    void extremeStepsGiveNoNaN(double offset) {
        assertScan(path("thw", PREFIX, false), 7, 5, offset, DType.F32, DType.F32);
        assertScan(path("thw", PREFIX, true), 7, 5, offset, DType.F32, DType.F32);
    }

    @Test
    void invalidArgumentsAreRejected() {
        ScanPath path = path("thw", null, false);
        long rows = path.rows();
        Tensor x = normal(DType.F32, 1, rows, 4).tensor();
        Tensor bc = normal(DType.F32, 1, rows, 6).tensor();
        Tensor vector = normal(DType.F32, 1, 4).tensor();
        Tensor matrix = normal(DType.F32, 1, 4, 3).tensor();
        DiagonalScanWeights weights = new DiagonalScanWeights(vector, matrix, vector);
        Tensor y = output(DType.F32, rows, 4);
        assertRejected(() -> backend().diagonalScan(x, bc, bc, 0, 3, path, weights, false, y));
        assertRejected(() -> backend().diagonalScan(x, x, bc, 0, 4, path, weights, false, y));
        assertRejected(() -> backend().diagonalScan(x, x, bc, Long.MAX_VALUE, 3, path, weights, false, y));
        assertRejected(() -> backend().diagonalScan(x, x, bc, 0, 3, path("thw", PREFIX, false), weights, false, y));
        assertRejected(() -> backend().diagonalScan(x, x, bc, 0, 3, path, weights, false, bc));
        DiagonalScanWeights mixed = new DiagonalScanWeights(matrix, matrix, vector);
        assertRejected(() -> backend().diagonalScan(x, x, bc, 0, 3, path, mixed, false, y));
        assertRejected(() -> backend().causalConvolution(bc, 3, path, matrix, vector, y));
        assertRejected(() -> backend().causalConvolution(bc, 0, path, matrix, matrix, y));
        assertRejected(() -> backend().causalConvolution(bc, 0, path, matrix, vector, bc));
    }

    private static ScanPath path(String order, @Nullable Grid prefix, boolean backward) {
        return new ScanPath(GRID, prefix, ScanOrder.of(order, false), backward);
    }

    private void assertConvolution(ScanPath path, int channels, int taps, DType in, DType out) {
        int rows = (int) path.rows();
        int steps = (int) path.steps();
        int columns = channels + 3;
        Sample x = normal(in, 1, rows, columns);
        Sample weight = normal(DType.F32, 0.5, channels, taps);
        Sample bias = normal(DType.F32, 0.5, channels);
        Tensor y = output(out, rows, channels);
        backend().causalConvolution(x.tensor(), 2, path, weight.tensor(), bias.tensor(), y);
        double[] sequence = new double[steps * channels];
        for (int step = 0; step < steps; step++) {
            System.arraycopy(x.values(), (int) path.row(step) * columns + 2, sequence, step * channels, channels);
        }
        double[] convolved = ReferenceScan.causal(sequence, channels, weight.values(), bias.values(), taps, steps);
        double[] expected = new double[rows * channels];
        for (int step = 0; step < steps; step++) {
            System.arraycopy(convolved, step * channels, expected, (int) path.row(step) * channels, channels);
        }
        assertClose(expected, y, tolerance(taps, in, out));
        if (steps < rows) {
            for (float value : floats(y.slice(0, path.prefixCells()))) {
                assertEquals(0, value, "a row that is not on the path");
            }
        }
    }

    private void assertScan(ScanPath path, int width, int state, double dtOffset, DType in, DType out) {
        long rows = path.rows();
        long cells = path.grid().cells();
        int columns = 2 * state + 4;
        int c = 1;
        int b = c + state + 1;
        Sample x = normal(in, 1, rows, width);
        Sample dt = normal(in, 1, rows, width);
        Sample bc = normal(in, 1, rows, columns);
        float[] offsets = normals(0.5, width);
        for (int i = 0; i < width; i++) {
            offsets[i] += (float) (dtOffset - 2);
        }
        Sample dtBias = sample(DType.F32, offsets, width);
        Sample aLog = normal(DType.F32, 0.7, width, state);
        Sample skip = normal(DType.F32, 1, width);
        DiagonalScanWeights weights = new DiagonalScanWeights(dtBias.tensor(), aLog.tensor(), skip.tensor());
        double[] expected = new double[(int) cells * width];
        ReferenceScan.diagonal(
                x.values(),
                dt.values(),
                bc.values(),
                columns,
                b,
                c,
                path,
                dtBias.values(),
                aLog.values(),
                skip.values(),
                expected);
        double tolerance = Math.max(1e-5, tolerance(state, in, out));
        assertOverwritesAndAdds(
                expected,
                tolerance,
                (accumulate, y) -> backend()
                        .diagonalScan(x.tensor(), dt.tensor(), bc.tensor(), b, c, path, weights, accumulate, y),
                out,
                cells,
                width);
    }
}
