package io.lingen.core.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.internal.PhiloxNormal;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The contract of elementwise operations: copies, sums, products, the flow step, guidance and noise. */
public abstract class ElementwiseContract extends BackendContract {
    static Stream<Arguments> sizesAndTypes() {
        return Stream.of(1, 2, 15, 16, 17, 31, 33, 127, 257, 4099)
                .flatMap(size -> TYPES.stream().flatMap(a -> TYPES.stream().map(b -> Arguments.of(size, a, b))));
    }

    @ParameterizedTest
    @MethodSource("sizesAndTypes")
    void copy(int size, DType in, DType out) {
        Sample x = normal(in, 1, size);
        Tensor y = output(out, size);
        backend().copy(x.tensor(), y);
        assertExactly(rounded(x.values(), out), y);
    }

    @ParameterizedTest
    @CsvSource({"1, F32", "7, BF16", "8, F32", "2053, F32", "40001, BF16"})
    void pixels(int size, DType dtype) {
        Sample x = normal(dtype, 1, size);
        byte[] found = new byte[size];
        backend().downloadPixels(x.tensor(), found);
        for (int i = 0; i < size; i++) {
            assertEquals(Math.clamp((x.values()[i] + 1) * 127.5, 0, 255), found[i] & 0xFF, 0.5 + 1e-4);
        }
    }

    @Test
    void pixelsAreRoundedHalfUpAndClamped() {
        float[] values = {
            0, -1, 1, -1.001f, 1.001f, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, -0.99608f, 2 / 127.5f
        };
        int[] expected = {128, 0, 255, 0, 255, 255, 0, 0, 130};
        byte[] found = new byte[values.length];
        backend().downloadPixels(sample(DType.F32, values, values.length).tensor(), found);
        for (int i = 0; i < values.length; i++) {
            assertEquals(expected[i], found[i] & 0xFF, "of " + values[i]);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 2047, 2048, 30000, 40000})
    void nanPixelsAreRejected(int index) {
        float[] values = new float[40001];
        values[index] = Float.NaN;
        Tensor x = sample(DType.F32, values, values.length).tensor();
        assertThrows(ArithmeticException.class, () -> backend().downloadPixels(x, new byte[values.length]));
        assertRejected(() -> backend().downloadPixels(x, new byte[values.length - 1]));
    }

    @ParameterizedTest
    @MethodSource("sizesAndTypes")
    void add(int size, DType in, DType out) {
        Sample a = normal(in, 1, size);
        Sample b = normal(out, 1, size);
        double[] expected = new double[size];
        Arrays.setAll(expected, i -> a.values()[i] + b.values()[i]);
        Tensor y = output(out, size);
        backend().add(a.tensor(), b.tensor(), y);
        assertClose(expected, y, tolerance(1, in, out));
        backend().add(a.tensor(), b.tensor(), b.tensor());
        assertClose(expected, b.tensor(), tolerance(1, in, out));
    }

    @ParameterizedTest
    @MethodSource("sizesAndTypes")
    void multiply(int size, DType in, DType out) {
        Sample a = normal(in, 1, size);
        Sample b = normal(out, 1, size);
        double[] expected = new double[size];
        Arrays.setAll(expected, i -> a.values()[i] * b.values()[i]);
        Tensor y = output(out, size);
        backend().multiply(a.tensor(), b.tensor(), y);
        assertClose(expected, y, tolerance(1, in, out));
        backend().multiply(a.tensor(), b.tensor(), b.tensor());
        assertClose(expected, b.tensor(), tolerance(1, in, out));
        Sample c = normal(out, 1, size);
        Arrays.setAll(expected, i -> a.values()[i] * c.values()[i]);
        backend().multiply(a.tensor(), c.tensor(), a.tensor());
        assertClose(expected, a.tensor(), tolerance(1, in, out));
    }

    @ParameterizedTest
    @MethodSource("sizesAndTypes")
    void addScaled(int size, DType in, DType out) {
        Sample x = normal(in, 1, size);
        Sample y = normal(out, 1, size);
        double[] expected = new double[size];
        float alpha = -0.37f;
        Arrays.setAll(expected, i -> y.values()[i] + alpha * x.values()[i]);
        backend().addScaled(alpha, x.tensor(), y.tensor());
        assertClose(expected, y.tensor(), tolerance(1, in, out));
    }

    @ParameterizedTest
    @MethodSource("sizesAndTypes")
    void interpolate(int size, DType in, DType out) {
        Sample a = normal(in, 1, size);
        Sample b = normal(out, 1, size);
        double[] expected = new double[size];
        float s = 7.5f;
        Arrays.setAll(expected, i -> a.values()[i] + s * (b.values()[i] - a.values()[i]));
        Tensor y = output(out, size);
        backend().interpolate(a.tensor(), b.tensor(), s, y);
        assertClose(expected, y, tolerance(1, in, out));
        backend().interpolate(a.tensor(), b.tensor(), s, b.tensor());
        assertClose(expected, b.tensor(), tolerance(1, in, out));
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "BF16"})
    void interpolationIsExactAtItsEnds(DType dtype) {
        Sample a = normal(dtype, 1, 77);
        Sample b = normal(dtype, 1, 77);
        Tensor y = output(dtype, 77);
        backend().interpolate(a.tensor(), b.tensor(), 0, y);
        assertExactly(a.values(), y);
        backend().interpolate(a.tensor(), b.tensor(), 1, y);
        assertClose(b.values(), y, tolerance(1, dtype));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 4, 5, 31, 64, 1023})
    void noiseDependsOnTheSeed(int size) {
        for (long seed : new long[] {0, 1, -1, 0x123456789ABCDEFL}) {
            Tensor y = output(DType.F32, size);
            backend().normal(seed, y);
            double[] expected = new double[size];
            Arrays.setAll(expected, i -> PhiloxNormal.at(seed, i));
            assertClose(expected, y, tolerance(1, DType.F32));
            Tensor coarse = output(DType.BF16, size);
            backend().normal(seed, coarse);
            assertClose(rounded(expected, DType.BF16), coarse, tolerance(1, DType.BF16));
        }
    }

    @Test
    void copiesIgnoreShapes() {
        Sample x = normal(DType.F32, 1, 3, 4);
        Tensor y = output(DType.F32, 2, 6);
        backend().copy(x.tensor(), y);
        assertExactly(x.values(), y);
    }

    @Test
    void invalidArgumentsAreRejected() {
        Tensor a = normal(DType.F32, 1, 3, 4).tensor();
        Tensor b = normal(DType.F32, 1, 4, 3).tensor();
        assertRejected(() -> backend().add(a, b, a));
        assertRejected(() -> backend().add(a, a, b));
        assertRejected(() -> backend().multiply(a, b, a));
        assertRejected(() -> backend().multiply(a, a, b));
        assertRejected(() -> backend().addScaled(1, a, b));
        assertRejected(() -> backend().interpolate(a, b, 1, a));
        Tensor five = output(DType.F32, 5);
        assertRejected(() -> backend().copy(a, five));
    }
}
