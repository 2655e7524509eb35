package io.lingen.core.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.PatchSize;
import io.lingen.core.op.Rotation;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The contract of patches, position embeddings, rotations and pooling. */
public abstract class TokenContract extends BackendContract {
    @ParameterizedTest
    @CsvSource({
        // channels, grid, patch, types
        "1, 1, 1, 1,  1, 1, 1, F32, F32",
        "16, 3, 5, 4,  1, 2, 2, F32, F32",
        "3, 2, 3, 1,  2, 1, 3, F32, F32",
        "16, 2, 7, 5,  1, 1, 1, F32, F32",
        "16, 3, 4, 4,  1, 2, 2, F32, BF16",
        "5, 2, 3, 3,  2, 2, 2, BF16, F32",
        "17, 1, 3, 3,  1, 2, 2, BF16, BF16"
    })
    void patches(int channels, int t, int h, int w, int pt, int ph, int pw, DType videoType, DType tokenType) {
        PatchSize patch = new PatchSize(pt, ph, pw);
        Grid grid = new Grid(t, h, w);
        Shape shape = patch.videoOf(channels, grid);
        Sample video = normal(videoType, 1, shape.toArray());
        Tensor tokens = output(tokenType, grid.cells(), channels * patch.cells());
        backend().patchify(video.tensor(), patch, tokens);
        double[] expected = ReferenceOperations.patchify(video.values(), shape, patch);
        assertClose(rounded(expected, tokenType), tokens, 0);
        Tensor back = output(videoType, shape.toArray());
        backend().unpatchify(tokens, patch, back);
        double[] again = ReferenceOperations.unpatchify(rounded(expected, tokenType), shape, patch);
        assertClose(rounded(again, videoType), back, 0);
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 1, 1, F32, F32",
        "3, 5, 4, 17, F32, F32",
        "2, 7, 3, 64, F32, BF16",
        "4, 1, 5, 33, BF16, F32",
        "5, 3, 2, 31, BF16, BF16"
    })
    void positions(int t, int h, int w, int d, DType in, DType out) {
        Grid grid = new Grid(t, h, w);
        Sample x = normal(in, 1, grid.cells(), d);
        // Tables may be longer than the grid.
        Sample tableT = normal(DType.F32, 1, t + 2, d);
        Sample tableH = normal(DType.F32, 1, h, d);
        Sample tableW = normal(DType.F32, 1, w + 1, d);
        Tensor y = output(out, grid.cells(), d);
        backend().addPosition(x.tensor(), tableT.tensor(), tableH.tensor(), tableW.tensor(), grid, y);
        double[] expected =
                ReferenceOperations.addPosition(x.values(), tableT.values(), tableH.values(), tableW.values(), grid, d);
        assertClose(expected, y, tolerance(1, in, out));
        backend().addPosition(x.tensor(), tableT.tensor(), tableH.tensor(), tableW.tensor(), grid, x.tensor());
        assertClose(expected, x.tensor(), tolerance(1, in, in));
    }

    @ParameterizedTest
    @CsvSource({
        // grid, heads, bands, type
        "1, 1, 1,  1,  2, 2, 2, F32",
        "2, 3, 4,  2,  4, 4, 4, F32",
        "3, 2, 5,  3,  10, 2, 4, BF16",
        "4, 5, 3,  2,  16, 8, 8, BF16",
        "5, 6, 7,  3,  44, 42, 42, F32",
        "2, 9, 13,  12,  44, 42, 42, BF16",
        "3, 1, 2,  1,  2, 34, 6, F32",
        "2, 2, 3,  2,  90, 100, 98, F32",
        // More tokens than a large device processes at a time.
        "3, 40, 50,  2,  6, 4, 2, F32"
    })
    void rotation(int t, int h, int w, int heads, int bandT, int bandH, int bandW, DType dtype) {
        Grid grid = new Grid(t, h, w);
        int headDim = bandT + bandH + bandW;
        int width = heads * headDim;
        Sample matrix = normal(dtype, 1, grid.cells(), width + 5);
        // Tables may be longer than the grid. Their rows need not be unit vectors.
        Sample tableT = normal(DType.F32, 1, t + 2, bandT);
        Sample tableH = normal(DType.F32, 1, h, bandH);
        Sample tableW = normal(DType.F32, 1, w + 1, bandW);
        Rotation rotation = new Rotation(grid, tableT.tensor(), tableH.tensor(), tableW.tensor());
        backend().rotate(new Heads(matrix.tensor(), 3, heads, headDim), rotation);
        double[][] tables = {tableT.values(), tableH.values(), tableW.values()};
        double[] expected = ReferenceOperations.rotate(
                matrix.values(), width + 5, 3, heads, tables, new int[] {bandT, bandH, bandW}, grid);
        assertClose(expected, matrix.tensor(), tolerance(1, dtype));
        assertSameOutside(3, width, matrix);
    }

    @Test
    void scoresOfRotatedVectorsDependOnlyOnDistances() {
        Grid grid = new Grid(4, 3, 5);
        int[] bands = {8, 4, 4};
        Tensor[] tables = new Tensor[3];
        for (int axis = 0; axis < 3; axis++) {
            float[] table = new float[grid.length(axis) * bands[axis]];
            for (int i = 0; i < table.length; i += 2) {
                double angle = i / bands[axis] * Math.pow(10000, -(i % bands[axis]) / (double) bands[axis]);
                table[i] = (float) Math.cos(angle);
                table[i + 1] = (float) Math.sin(angle);
            }
            tables[axis] =
                    sample(DType.F32, table, grid.length(axis), bands[axis]).tensor();
        }
        // Every token has the same two vectors.
        float[] pair = normals(1, 32);
        float[] rows = new float[(int) grid.cells() * 32];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = pair[i % 32];
        }
        Tensor matrix = sample(DType.F32, rows, grid.cells(), 32).tensor();
        backend().rotate(new Heads(matrix, 0, 2, 16), new Rotation(grid, tables[0], tables[1], tables[2]));
        float[] rotated = floats(matrix);
        double first = score(rotated, token(grid, 0, 0, 1), token(grid, 2, 1, 3));
        assertEquals(first, score(rotated, token(grid, 1, 1, 0), token(grid, 3, 2, 2)), 1e-5);
        assertEquals(first, score(rotated, token(grid, 1, 0, 2), token(grid, 3, 1, 4)), 1e-5);
        double other = score(rotated, token(grid, 0, 0, 1), token(grid, 1, 1, 3));
        assertTrue(Math.abs(first - other) > 0.01, first + " and " + other);
    }

    private static int token(Grid grid, int t, int h, int w) {
        return (t * grid.h() + h) * grid.w() + w;
    }

    /** Returns the inner product of the first vector of a token and the second vector of another one. */
    private static double score(float[] rows, int query, int key) {
        double sum = 0;
        for (int i = 0; i < 16; i++) {
            sum += rows[query * 32 + i] * rows[key * 32 + 16 + i];
        }
        return sum;
    }

    @ParameterizedTest
    @CsvSource({
        // grid, kernel, width, types
        "1, 1, 1,  1, 1, 1,  1, F32, F32",
        "1, 1, 1,  2, 2, 2,  3, F32, F32",
        "4, 6, 2,  2, 2, 2,  16, F32, F32",
        "5, 3, 7,  2, 2, 2,  17, F32, F32",
        "7, 5, 8,  3, 2, 4,  33, F32, F32",
        "3, 4, 5,  1, 3, 5,  31, F32, BF16",
        "5, 5, 5,  2, 2, 2,  64, BF16, F32",
        "3, 7, 3,  2, 4, 2,  8, BF16, BF16"
    })
    void pooling(int t, int h, int w, int kt, int kh, int kw, int d, DType in, DType out) {
        Grid grid = new Grid(t, h, w);
        Dims3 kernel = new Dims3(kt, kh, kw);
        Sample x = normal(in, 1, grid.cells(), d);
        Tensor y = output(out, grid.dividedBy(kernel).cells(), d);
        backend().averagePool(x.tensor(), grid, kernel, y);
        double[] expected = ReferenceOperations.averagePool(x.values(), grid, kernel, d);
        assertClose(expected, y, tolerance(kernel.volume(), in, out));
    }

    @Test
    void slicesArePooled() {
        // Models have the review tokens and the tokens in one matrix, in this order.
        Grid grid = new Grid(3, 4, 5);
        Dims3 kernel = new Dims3(2, 2, 2);
        int review = (int) grid.dividedBy(kernel).cells();
        int cells = (int) grid.cells();
        Sample all = normal(DType.F32, 1, review + cells, 6);
        backend()
                .averagePool(
                        all.tensor().slice(review, review + cells),
                        grid,
                        kernel,
                        all.tensor().slice(0, review));
        double[] tokens = Arrays.copyOfRange(all.values(), review * 6, (review + cells) * 6);
        assertClose(
                ReferenceOperations.averagePool(tokens, grid, kernel, 6),
                all.tensor().slice(0, review),
                tolerance(8, DType.F32));
        assertClose(tokens, all.tensor().slice(review, review + cells), 0);
    }

    @Test
    void invalidArgumentsAreRejected() {
        Tensor video = normal(DType.F32, 1, 3, 2, 4, 4).tensor();
        Tensor tokens = normal(DType.F32, 1, 8, 12).tensor();
        Tensor table = normal(DType.F32, 1, 2, 12).tensor();
        Tensor coarse = normal(DType.BF16, 1, 2, 12).tensor();
        Grid grid = new Grid(2, 2, 2);
        assertRejected(() -> backend().patchify(video, new PatchSize(1, 3, 2), tokens));
        assertRejected(() -> backend().patchify(video, new PatchSize(1, 2, 1), tokens));
        assertRejected(() -> backend().unpatchify(table, new PatchSize(1, 2, 2), video));
        assertRejected(() -> backend().addPosition(tokens, table, table, table, new Grid(2, 2, 3), tokens));
        assertRejected(() -> backend().addPosition(tokens, table.slice(0, 1), table, table, grid, tokens));
        assertRejected(() -> backend().addPosition(tokens, table, coarse, table, grid, tokens));
        Tensor four = normal(DType.F32, 1, 2, 4).tensor();
        Tensor three = normal(DType.F32, 1, 2, 3).tensor();
        Heads heads = new Heads(tokens, 0, 1, 12);
        Rotation rotation = new Rotation(grid, four, four, four);
        backend().rotate(heads, rotation);
        assertRejected(() -> new Rotation(new Grid(2, 2, 3), four, four, four));
        assertRejected(() -> new Rotation(new Grid(3, 2, 2), four, four, four));
        assertRejected(() -> new Rotation(grid, four, four.slice(0, 1), four));
        assertRejected(() -> new Rotation(grid, three, four, four));
        assertRejected(
                () -> new Rotation(grid, four, four, normal(DType.BF16, 1, 2, 4).tensor()));
        assertRejected(() -> backend().rotate(heads, new Rotation(new Grid(2, 2, 1), four, four, four)));
        assertRejected(() -> backend().rotate(heads, new Rotation(grid, four, four, table)));
        assertRejected(() -> backend().rotate(new Heads(tokens, 0, 1, 10), rotation));
        assertRejected(() -> backend().averagePool(tokens, grid, new Dims3(2, 2, 1), table.slice(0, 1)));
        assertRejected(() -> backend().averagePool(tokens, new Grid(2, 2, 3), new Dims3(2, 2, 2), table));
    }
}
