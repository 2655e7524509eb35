package io.lingen.core.contract;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.Windows;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The contract of {@link io.lingen.core.backend.Backend#windowAttention}. */
public abstract class WindowAttentionContract extends BackendContract {
    @ParameterizedTest
    @CsvSource({
        // grid, window, heads, head dimension
        "1, 1, 1,  1, 1, 1,  1, 1",
        "1, 1, 1,  4, 4, 4,  2, 3",
        "4, 4, 4,  4, 4, 4,  1, 8",
        "5, 4, 3,  4, 4, 4,  2, 7",
        "6, 5, 7,  2, 2, 2,  1, 5",
        "7, 3, 4,  3, 1, 2,  3, 4",
        "8, 8, 4,  4, 2, 2,  2, 16",
        "17, 3, 5,  16, 2, 4,  1, 17",
        "3, 9, 8,  5, 5, 3,  2, 33",
        "2, 2, 9,  1, 1, 7,  1, 64"
    })
    void allSizesMatchTheReference(int t, int h, int w, int wt, int wh, int ww, int heads, int headDim) {
        for (boolean shifted : new boolean[] {false, true}) {
            for (boolean bias : new boolean[] {false, true}) {
                Windows windows = new Windows(new Dims3(wt, wh, ww), shifted);
                assertWindows(new Grid(t, h, w), windows, heads, headDim, bias, 1, DType.F32, DType.F32);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"F32, BF16", "BF16, F32", "BF16, BF16"})
    void typesMayBeMixed(DType in, DType out) {
        for (boolean shifted : new boolean[] {false, true}) {
            Windows windows = new Windows(new Dims3(4, 3, 2), shifted);
            assertWindows(new Grid(7, 5, 6), windows, 2, 16, shifted, 1, in, out);
        }
    }

    @Test
    void largeLogitsGiveNoNaN() {
        Windows windows = new Windows(new Dims3(4, 4, 4), true);
        assertWindows(new Grid(5, 5, 5), windows, 2, 16, true, 50, DType.F32, DType.F32);
    }

    @Test
    void invalidArgumentsAreRejected() {
        Grid grid = new Grid(2, 3, 4);
        Windows windows = new Windows(new Dims3(2, 2, 2), false);
        Tensor qkv = normal(DType.F32, 1, 24, 24).tensor();
        Tensor out = output(DType.F32, 24, 8);
        Heads q = new Heads(qkv, 0, 2, 4);
        Heads k = new Heads(qkv, 8, 2, 4);
        Heads v = new Heads(qkv, 16, 2, 4);
        Tensor bias = normal(DType.F32, 1, 2, 26).tensor();
        assertRejected(() -> backend().windowAttention(q, k, v, grid, windows, bias, out));
        assertRejected(() -> backend().windowAttention(q, k, v, new Grid(2, 3, 3), windows, null, out));
        assertRejected(() -> backend().windowAttention(q, new Heads(qkv, 8, 4, 2), v, grid, windows, null, out));
        Tensor narrow = output(DType.F32, 24, 7);
        assertRejected(() -> backend().windowAttention(q, k, v, grid, windows, null, narrow));
    }

    private void assertWindows(
            Grid grid,
            Windows windows,
            int heads,
            int headDim,
            boolean withBias,
            double scale,
            DType in,
            DType outType) {
        int cells = (int) grid.cells();
        int width = heads * headDim;
        Sample qkv = normal(in, scale, cells, 3 * width + 1);
        Sample bias = normal(DType.F32, 1, heads, windows.offsets());
        Tensor out = output(outType, cells, width);
        backend()
                .windowAttention(
                        new Heads(qkv.tensor(), 1, heads, headDim),
                        new Heads(qkv.tensor(), 1 + width, heads, headDim),
                        new Heads(qkv.tensor(), 1 + 2 * width, heads, headDim),
                        grid,
                        windows,
                        withBias ? bias.tensor() : null,
                        out);
        double[] expected = ReferenceAttention.windows(
                new ReferenceAttention.HeadValues(qkv.values(), 3 * width + 1, 1, heads, headDim),
                new ReferenceAttention.HeadValues(qkv.values(), 3 * width + 1, 1 + width, heads, headDim),
                new ReferenceAttention.HeadValues(qkv.values(), 3 * width + 1, 1 + 2 * width, heads, headDim),
                grid,
                windows,
                withBias ? bias.values() : null);
        assertClose(
                expected,
                out,
                Math.max(1, scale * scale) * tolerance(windows.size().volume(), in, outType));
    }
}
