package io.lingen.core.contract;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.Rotation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The contract of {@link io.lingen.core.backend.Backend#linearAttention}. */
public abstract class LinearAttentionContract extends BackendContract {
    @ParameterizedTest
    @CsvSource({
        // grid, heads, bands, columns around the heads
        "1, 1, 1,  1,  2, 2, 2,  0",
        "2, 3, 4,  2,  4, 4, 4,  5",
        "3, 2, 5,  3,  10, 2, 4,  0",
        "4, 5, 3,  2,  16, 8, 8,  0",
        "1, 7, 9,  1,  20, 22, 22,  3",
        "3, 7, 11,  5,  40, 36, 36,  0",
        "1, 5, 13,  20,  40, 36, 36,  8",
        "5, 6, 7,  3,  44, 42, 42,  1",
        "3, 9, 2,  2,  2, 34, 6,  7",
        "2, 9, 8,  2,  24, 24, 24,  0",
        "2, 9, 11,  2,  86, 86, 84,  0",
        // More tokens than a state is summed over at a time.
        "3, 40, 41,  2,  6, 4, 2,  0",
        "3, 23, 31,  1,  40, 36, 36,  0"
    })
    void allSizesMatchTheReference(int t, int h, int w, int heads, int bandT, int bandH, int bandW, int around) {
        Grid grid = new Grid(t, h, w);
        int[] bands = {bandT, bandH, bandW};
        assertLinearAttention(grid, heads, bands, around, DType.F32, DType.F32, DType.F32);
        assertLinearAttention(grid, heads, bands, around, DType.BF16, DType.BF16, DType.BF16);
    }

    @ParameterizedTest
    @CsvSource({"F32, F32, BF16", "F32, BF16, F32", "BF16, F32, F32", "BF16, BF16, F32"})
    void typesMayBeMixed(DType q, DType kv, DType out) {
        assertLinearAttention(new Grid(3, 5, 6), 3, new int[] {8, 4, 4}, 2, q, kv, out);
    }

    @Test
    void rowsWithoutPositiveElementsGiveZero() {
        Grid grid = new Grid(2, 3, 3);
        float[] negative = normals(1, 18 * 16);
        for (int i = 5 * 16; i < 7 * 16; i++) {
            negative[i] = -Math.abs(negative[i]);
        }
        Sample q = sample(DType.F32, negative, 18, 16);
        Sample kv = normal(DType.F32, 1, 18, 32);
        Rotation rotation = new Rotation(
                grid,
                normal(DType.F32, 1, 2, 4).tensor(),
                normal(DType.F32, 1, 3, 2).tensor(),
                normal(DType.F32, 1, 3, 2).tensor());
        Heads query = new Heads(q.tensor(), 0, 2, 8);
        Heads value = new Heads(kv.tensor(), 16, 2, 8);
        Tensor out = output(DType.F32, 18, 16);
        backend().linearAttention(query, new Heads(kv.tensor(), 0, 2, 8), value, rotation, out);
        assertExactly(new double[2 * 16], out.slice(5, 7));
        Tensor none = sample(DType.F32, new float[18 * 16], 18, 16).tensor();
        backend().linearAttention(query, new Heads(none, 0, 2, 8), value, rotation, out);
        assertExactly(new double[18 * 16], out);
    }

    @Test
    void invalidArgumentsAreRejected() {
        Heads heads = new Heads(normal(DType.F32, 1, 8, 24).tensor(), 0, 2, 12);
        Tensor table = normal(DType.F32, 1, 2, 4).tensor();
        Tensor out = output(DType.F32, 8, 24);
        Rotation rotation = new Rotation(new Grid(2, 2, 2), table, table, table);
        backend().linearAttention(heads, heads, heads, rotation, out);
        Heads shorter = new Heads(heads.matrix().slice(0, 7), 0, 2, 12);
        Heads narrow = new Heads(heads.matrix(), 0, 2, 10);
        assertRejected(heads, shorter, shorter, rotation, out);
        assertRejected(heads, heads, shorter, rotation, out);
        assertRejected(heads, heads, narrow, rotation, out);
        assertRejected(narrow, narrow, narrow, rotation, output(DType.F32, 8, 20));
        assertRejected(heads, heads, heads, new Rotation(new Grid(2, 2, 1), table, table, table), out);
        assertRejected(heads, heads, heads, rotation, output(DType.F32, 8, 12));
    }

    private void assertRejected(Heads q, Heads k, Heads v, Rotation rotation, Tensor out) {
        assertRejected(() -> backend().linearAttention(q, k, v, rotation, out));
    }

    private void assertLinearAttention(
            Grid grid, int heads, int[] bands, int around, DType queryType, DType keyType, DType outType) {
        int headDim = bands[0] + bands[1] + bands[2];
        int width = heads * headDim;
        Sample q = mostlyPositive(queryType, grid.cells(), width + around);
        Sample kv = mostlyPositive(keyType, grid.cells(), 2 * width + around);
        // Tables may be longer than the grid. Their rows need not be unit vectors.
        Sample tableT = normal(DType.F32, 1, grid.t() + 2, bands[0]);
        Sample tableH = normal(DType.F32, 1, grid.h(), bands[1]);
        Sample tableW = normal(DType.F32, 1, grid.w() + 1, bands[2]);
        Tensor out = output(outType, grid.cells(), width);
        backend()
                .linearAttention(
                        new Heads(q.tensor(), around, heads, headDim),
                        new Heads(kv.tensor(), around, heads, headDim),
                        new Heads(kv.tensor(), around + width, heads, headDim),
                        new Rotation(grid, tableT.tensor(), tableH.tensor(), tableW.tensor()),
                        out);
        double[] expected = ReferenceAttention.linear(
                new ReferenceAttention.HeadValues(q.values(), width + around, around, heads, headDim),
                new ReferenceAttention.HeadValues(kv.values(), 2 * width + around, around, heads, headDim),
                new ReferenceAttention.HeadValues(kv.values(), 2 * width + around, around + width, heads, headDim),
                new double[][] {tableT.values(), tableH.values(), tableW.values()},
                bands,
                grid);
        assertClose(expected, out, tolerance(grid.cells(), queryType, keyType, outType));
    }

    /** Returns normal numbers about a positive mean, so that divisors are not close to 0. */
    private Sample mostlyPositive(DType dtype, long rows, long columns) {
        float[] values = normals(1, rows * columns);
        for (int i = 0; i < values.length; i++) {
            values[i] += 0.5f;
        }
        return sample(dtype, values, rows, columns);
    }
}
