package io.lingen.core.contract;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.op.Heads;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The contract of norms: modulated layer norm; plain, gated and per-head RMS norm; group norm. */
public abstract class NormContract extends BackendContract {
    private static final float EPSILON = 1e-6f;

    static Stream<Arguments> sizesAndTypes() {
        return Stream.of(new int[][] {
                    {1, 1},
                    {1, 7},
                    {3, 16},
                    {5, 17},
                    {2, 31},
                    {7, 33},
                    {9, 64},
                    {4, 127},
                    {2, 1000},
                    {3, 1025},
                    {2, 5120},
                    {1, 8200},
                    // More rows than a large device processes at a time.
                    {4500, 40},
                    {2500, 264},
                    {420, 5120}
                })
                .flatMap(size -> TYPES.stream()
                        .flatMap(in -> TYPES.stream().map(out -> Arguments.of(size[0], size[1], in, out))));
    }

    @ParameterizedTest
    @MethodSource("sizesAndTypes")
    void modulatedLayerNorm(int rows, int d, DType in, DType out) {
        Sample x = normal(in, 2, rows, d);
        Sample shift = normal(DType.F32, 0.3, d);
        Sample scale = normal(DType.F32, 0.3, d);
        Tensor y = output(out, rows, d);
        backend().modulatedLayerNorm(x.tensor(), shift.tensor(), scale.tensor(), EPSILON, y);
        double[] expected = ReferenceOperations.modulatedLayerNorm(x.values(), shift.values(), scale.values(), EPSILON);
        assertClose(expected, y, tolerance(d, in, out));
    }

    @Test
    void layerNormOfLargeMeansIsAccurate() {
        // Computing the variance from the sum and the sum of squares would fail here. Its error grows with
        // (mean / deviation)^2 instead of mean / deviation.
        float[] values = normals(1, 5 * 200);
        for (int i = 0; i < values.length; i++) {
            values[i] += 1000;
        }
        Sample x = sample(DType.F32, values, 5, 200);
        Sample zero = sample(DType.F32, new float[200], 200);
        Tensor y = output(DType.F32, 5, 200);
        backend().modulatedLayerNorm(x.tensor(), zero.tensor(), zero.tensor(), EPSILON, y);
        double[] expected = ReferenceOperations.modulatedLayerNorm(x.values(), zero.values(), zero.values(), EPSILON);
        assertClose(expected, y, 1000 * tolerance(200, DType.F32));
    }

    @Test
    void constantRowsGiveTheShift() {
        float[] values = new float[3 * 33];
        Arrays.fill(values, 5);
        Sample x = sample(DType.F32, values, 3, 33);
        Sample shift = normal(DType.F32, 1, 33);
        Tensor y = output(DType.F32, 3, 33);
        backend().modulatedLayerNorm(x.tensor(), shift.tensor(), shift.tensor(), EPSILON, y);
        double[] expected = new double[values.length];
        Arrays.setAll(expected, i -> shift.values()[i % 33]);
        // The mean of equal numbers may have an error of one unit in the last place, which 1 / sqrt(epsilon) amplifies.
        assertClose(expected, y, 1e-3);
    }

    @ParameterizedTest
    @MethodSource("sizesAndTypes")
    void gatedRmsNorm(int rows, int d, DType in, DType out) {
        Sample y = normal(in, 2, rows, d);
        Sample z = normal(in, 2, rows, d);
        Sample weight = normal(DType.F32, 1, d);
        Tensor result = output(out, rows, d);
        backend().gatedRmsNorm(y.tensor(), z.tensor(), weight.tensor(), 1e-5f, result);
        double[] expected = ReferenceOperations.gatedRmsNorm(y.values(), z.values(), weight.values(), 1e-5f);
        assertClose(expected, result, tolerance(d, in, out));
    }

    @Test
    void extremeGatesGiveFiniteResults() {
        Sample y = normal(DType.F32, 1, 4, 19);
        Sample z = normal(DType.F32, 300, 4, 19);
        Sample weight = normal(DType.F32, 1, 19);
        Tensor result = output(DType.F32, 4, 19);
        backend().gatedRmsNorm(y.tensor(), z.tensor(), weight.tensor(), 1e-5f, result);
        double[] expected = ReferenceOperations.gatedRmsNorm(y.values(), z.values(), weight.values(), 1e-5f);
        assertClose(expected, result, tolerance(19, DType.F32));
    }

    @ParameterizedTest
    @MethodSource("sizesAndTypes")
    void rmsNorm(int rows, int d, DType in, DType out) {
        for (boolean silu : new boolean[] {false, true}) {
            Sample x = normal(in, 2, rows, d);
            Sample weight = normal(DType.F32, 1, d);
            Tensor y = output(out, rows, d);
            backend().rmsNorm(x.tensor(), weight.tensor(), EPSILON, silu, y);
            double[] expected = ReferenceOperations.rmsNorm(x.values(), weight.values(), EPSILON);
            if (silu) {
                Arrays.setAll(expected, i -> ReferenceScan.silu(expected[i]));
            }
            assertClose(expected, y, tolerance(d, in, out));
            if (in == out) {
                backend().rmsNorm(x.tensor(), weight.tensor(), EPSILON, silu, x.tensor());
                assertClose(expected, x.tensor(), tolerance(d, in, out));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 2, 3, 96, F32", "2, 3, 5, 192, BF16", "3, 1, 7, 50, F32"})
    void rmsNormsOfVideosNormalizeCells(int t, int h, int w, int channels, DType dtype) {
        Sample x = normal(dtype, 2, t, h, w, channels);
        Sample weight = normal(DType.F32, 1, channels, 1, 1, 1);
        Tensor y = output(dtype, t, h, w, channels);
        backend().rmsNorm(x.tensor(), weight.tensor(), EPSILON, true, y);
        double[] expected = ReferenceOperations.rmsNorm(x.values(), weight.values(), EPSILON);
        Arrays.setAll(expected, i -> ReferenceScan.silu(expected[i]));
        assertClose(expected, y, tolerance(channels, dtype));
    }

    @Test
    void rmsNormsOfTinyAndZeroRowsAreFinite() {
        // The L2 norm of autoencoders is an RMS norm whose epsilon is smaller than the rounding error of the mean
        // square.
        float epsilon = 1e-26f;
        float[] values = normals(1e-8, 4 * 96);
        Arrays.fill(values, 96, 2 * 96, 0);
        Sample x = sample(DType.F32, values, 4, 96);
        Sample weight = normal(DType.F32, 1, 96);
        Tensor y = output(DType.F32, 4, 96);
        backend().rmsNorm(x.tensor(), weight.tensor(), epsilon, false, y);
        double[] expected = ReferenceOperations.rmsNorm(x.values(), weight.values(), epsilon);
        assertClose(expected, y, tolerance(96, DType.F32));
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 1, F32",
        "5, 3, 7, F32",
        "4, 2, 64, F32",
        "3, 5, 33, BF16",
        "7, 1, 128, BF16",
        "33, 12, 128, F32",
        "9, 3, 256, BF16",
        "6, 2, 264, F32",
        "3, 2, 1029, BF16",
        "5, 1, 1536, BF16",
        "4, 1, 5120, F32",
        "2, 1, 8200, BF16"
    })
    void headRmsNorm(int tokens, int heads, int headDim, DType dtype) {
        int width = heads * headDim;
        int columns = width + 5;
        Sample matrix = normal(dtype, 2, tokens, columns);
        Sample weight = normal(DType.F32, 1, headDim);
        backend().headRmsNorm(new Heads(matrix.tensor(), 2, heads, headDim), weight.tensor(), EPSILON);
        double[] expected = matrix.values().clone();
        for (int token = 0; token < tokens; token++) {
            int at = token * columns + 2;
            double[] band = Arrays.copyOfRange(expected, at, at + width);
            System.arraycopy(ReferenceOperations.rmsNorm(band, weight.values(), EPSILON), 0, expected, at, width);
        }
        assertClose(expected, matrix.tensor(), tolerance(headDim, dtype));
        assertSameOutside(2, width, matrix);
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 1, 1, 1, false, F32, F32",
        "1, 1, 1, 32, 32, true, F32, F32",
        "2, 3, 5, 6, 3, true, F32, F32",
        "3, 7, 4, 34, 2, false, F32, F32",
        "2, 9, 8, 64, 32, true, F32, F32",
        "2, 5, 5, 48, 16, true, BF16, F32",
        "2, 5, 5, 33, 11, true, F32, BF16",
        "3, 4, 17, 64, 4, false, BF16, BF16",
        "2, 30, 37, 40, 5, true, F32, F32",
        "1, 4, 5, 2064, 24, true, BF16, F32"
    })
    void groupNorm(int t, int h, int w, int channels, int groups, boolean silu, DType in, DType out) {
        Sample x = normal(in, 2, t, h, w, channels);
        Sample weight = normal(DType.F32, 1, channels);
        Sample bias = normal(DType.F32, 1, channels);
        Tensor y = output(out, t, h, w, channels);
        backend().groupNorm(x.tensor(), groups, weight.tensor(), bias.tensor(), EPSILON, silu, y);
        double[] expected =
                ReferenceOperations.groupNorm(x.values(), t, groups, weight.values(), bias.values(), EPSILON, silu);
        assertClose(expected, y, tolerance((long) h * w * channels / groups, in, out));
        if (in == out) {
            backend().groupNorm(x.tensor(), groups, weight.tensor(), bias.tensor(), EPSILON, silu, x.tensor());
            assertClose(expected, x.tensor(), tolerance((long) h * w * channels / groups, in, out));
        }
    }

    @Test
    void invalidArgumentsAreRejected() {
        Tensor x = normal(DType.F32, 1, 4, 6).tensor();
        Tensor six = normal(DType.F32, 1, 6).tensor();
        Tensor seven = normal(DType.F32, 1, 7).tensor();
        Tensor coarse = normal(DType.BF16, 1, 6).tensor();
        Tensor out = output(DType.F32, 4, 6);
        Tensor other = output(DType.F32, 5, 6);
        assertRejected(() -> backend().modulatedLayerNorm(x, seven, six, EPSILON, out));
        assertRejected(() -> backend().modulatedLayerNorm(x, six, coarse, EPSILON, out));
        assertRejected(() -> backend().modulatedLayerNorm(x, six, six, EPSILON, other));
        assertRejected(() -> backend().gatedRmsNorm(x, other, six, EPSILON, out));
        assertRejected(() -> backend().gatedRmsNorm(x, x, seven, EPSILON, out));
        assertRejected(() -> backend().rmsNorm(x, seven, EPSILON, false, out));
        assertRejected(() -> backend().rmsNorm(x, coarse, EPSILON, false, out));
        assertRejected(() -> backend().rmsNorm(x, six, EPSILON, false, other));
        assertRejected(() -> backend().headRmsNorm(new Heads(x, 0, 2, 3), six, EPSILON));
        assertRejected(() -> new Heads(x, 1, 2, 3));
        assertRejected(() -> new Heads(x, Long.MAX_VALUE, 2, 3));
        Tensor video = normal(DType.F32, 1, 1, 2, 2, 6).tensor();
        assertRejected(() -> backend().groupNorm(video, 4, six, six, EPSILON, true, video));
        assertRejected(() -> backend().groupNorm(x, 3, six, six, EPSILON, true, x));
        assertRejected(() -> backend().groupNorm(video, 3, seven, six, EPSILON, true, video));
    }
}
