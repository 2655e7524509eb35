package io.lingen.cpu.internal.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.internal.BFloat16;
import io.lingen.cpu.internal.RawMemory;
import io.lingen.cpu.internal.SizeClassAllocator;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests vector loops against scalar loops, with lengths around that of a register, and both against double precision. */
class FloatKernelsTest {
    private static final int LONGEST = 1100;
    private static final SizeClassAllocator memory = new SizeClassAllocator();
    private static final FloatKernels scalar = new ScalarFloatKernels();
    private static final FloatKernels vector = new VectorFloatKernels();

    private final Random random = new Random(1);

    @AfterAll
    static void close() {
        assertEquals(0, memory.usedBytes());
        memory.close();
    }

    /** A call of a loop that reads from a, b and c and writes to out. */
    @FunctionalInterface
    private interface Loop {
        double run(FloatKernels loops, long a, long b, long c, long out, int n);
    }

    /** Runs a scalar and a vector loop on the same numbers. Elements after the output must stay unchanged. */
    private void compare(int n, double tolerance, Loop loop) {
        int span = LONGEST + 64;
        SizeClassAllocator.Block block = memory.allocate(5L * span * Float.BYTES);
        try {
            // Offset by one element, so the addresses are not aligned.
            long a = block.address() + Float.BYTES;
            long b = a + (long) span * Float.BYTES;
            long c = b + (long) span * Float.BYTES;
            long expected = c + (long) span * Float.BYTES;
            long actual = expected + (long) span * Float.BYTES - Float.BYTES;
            for (int i = 0; i < 3 * span; i++) {
                set(a, i, (float) (2 * random.nextGaussian()));
            }
            for (int i = 0; i < span - 1; i++) {
                float value = (float) random.nextGaussian();
                set(expected, i, value);
                set(actual, i, value);
            }
            double left = loop.run(scalar, a, b, c, expected, n);
            double right = loop.run(vector, a, b, c, actual, n);
            assertEquals(left, right, tolerance * Math.max(1, Math.abs(left)), "the result");
            for (int i = 0; i < span - 1; i++) {
                float want = get(expected, i);
                double allowed = i < n ? tolerance * Math.max(1, Math.abs(want)) : 0;
                assertEquals(want, get(actual, i), allowed, "element " + i + " of " + n);
            }
        } finally {
            memory.release(block);
        }
    }

    /** Enough calls for the loops to be compiled: the order of a sum must not depend on the compiler. */
    @Test
    void sumsHaveAFixedOrder() {
        int n = VectorMath.FLOATS.length();
        SizeClassAllocator.Block block = memory.allocate(3L * n * Float.BYTES);
        try {
            long x = block.address();
            long ones = x + (long) n * Float.BYTES;
            long out = ones + (long) n * Float.BYTES;
            for (int round = 0; round < 20_000; round++) {
                float[] values = new float[n];
                float[] squares = new float[n];
                for (int i = 0; i < n; i++) {
                    values[i] = (float) random.nextGaussian();
                    squares[i] = values[i] * values[i];
                    set(x, i, values[i]);
                    set(ones, i, 1);
                }
                float sum = halved(values);
                float squaredSum = halved(squares);
                assertEquals(sum, vector.sum(x, n), 0f);
                assertEquals(sum, vector.dotProduct(x, ones, n), 0f);
                assertEquals(squaredSum, vector.squaredDeviation(x, 0, n), 0f);
                vector.expSum(x, 1, 0, out, DType.F32, n);
                float[] exponentials = new float[n];
                for (int i = 0; i < n; i++) {
                    exponentials[i] = get(out, i);
                }
                assertEquals(halved(exponentials), vector.expSum(x, 1, 0, out, DType.F32, n), 0f);
            }
        } finally {
            memory.release(block);
        }
    }

    private static float halved(float[] values) {
        float[] sums = values.clone();
        for (int half = sums.length / 2; half > 0; half /= 2) {
            for (int i = 0; i < half; i++) {
                sums[i] += sums[i + half];
            }
        }
        return sums[0];
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3, 7, 15, 16, 17, 31, 33, 63, 64, 65, 127, 257, 1000, 1023})
    void vectorLoopsMatchScalarLoops(int n) {
        double sums = 1e-6 * Math.max(1, Math.sqrt(n));
        compare(n, 0, (s, a, b, c, out, k) -> run(() -> s.copy(a, out, k)));
        compare(n, 0, (s, a, b, c, out, k) -> run(() -> s.fill(0.3f, out, k)));
        compare(n, sums, (s, a, b, c, out, k) -> s.sum(a, k));
        compare(n, sums, (s, a, b, c, out, k) -> s.squaredDeviation(a, 0.3f, k));
        compare(n, sums, (s, a, b, c, out, k) -> s.dotProduct(a, b, k));
        compare(n, 0, (s, a, b, c, out, k) -> k == 0 ? 0 : s.max(a, k));
        compare(n, 0, (s, a, b, c, out, k) -> run(() -> s.add(a, b, out, k)));
        compare(n, 0, (s, a, b, c, out, k) -> run(() -> s.addThree(a, b, c, out, k)));
        compare(n, 1e-6, (s, a, b, c, out, k) -> run(() -> s.addScaled(0.7f, a, out, k)));
        compare(n, 1e-6, (s, a, b, c, out, k) -> run(() -> s.addProduct(a, b, out, k)));
        compare(n, 1e-6, (s, a, b, c, out, k) -> run(() -> s.interpolate(a, b, 7.5f, out, k)));
        compare(n, 0, (s, a, b, c, out, k) -> run(() -> s.scale(1.3f, a, out, k)));
        compare(n, 1e-6, (s, a, b, c, out, k) -> run(() -> s.multiply(1.3f, a, b, out, k)));
        compare(n, 3e-6, (s, a, b, c, out, k) -> run(() -> s.rmsNorm(a, b, 1e-6f, out, 1, k)));
        compare(n - n % 5, 3e-6, (s, a, b, c, out, k) -> run(() -> s.rmsNorm(a, b, 1e-6f, out, 5, k / 5)));
        compare(
                n - n % 3,
                3e-6,
                (s, a, b, c, out, k) -> run(() -> {
                    s.copy(a, out, k);
                    s.rmsNorm(out, b, 1e-6f, out, 3, k / 3);
                }));
        compare(n, 0, (s, a, b, c, out, k) -> run(() -> s.relu(a, out, k)));
        compare(n & ~1, 2e-6, (s, a, b, c, out, k) -> run(() -> s.rotate(a, b, out, k)));
        compare(n, 3e-6, (s, a, b, c, out, k) -> run(() -> s.normalize(a, 0.2f, 1.7f, b, c, out, k)));
        compare(n, 3e-6, (s, a, b, c, out, k) -> run(() -> s.affine(a, b, c, a, out, k)));
        compare(n, 1e-6, (s, a, b, c, out, k) -> run(() -> s.addDeviations(a, b, out, c, k)));
        compare(n, 1e-6, (s, a, b, c, out, k) -> run(() -> s.addDeviations(a, b, c, out, k)));
        compare(n, 5e-6, (s, a, b, c, out, k) -> s.siluGate(a, b, out, k));
        compare(n, 3e-7, (s, a, b, c, out, k) -> run(() -> s.exp(a, out, k)));
        compare(n, sums, (s, a, b, c, out, k) -> s.expSum(a, 0.4f, 1.5f, out, DType.F32, k));
        // Values that differ by rounding may round to neighboring BF16 numbers.
        compare(n, 1.0 / 128, (s, a, b, c, out, k) -> {
            double sum = s.expSum(a, 0.4f, 1.5f, c, DType.BF16, k);
            s.widen(c, out, k);
            return sum;
        });
        compare(n, 1e-6, (s, a, b, c, out, k) -> run(() -> s.silu(a, out, k)));
        compare(n, 1e-6, (s, a, b, c, out, k) -> run(() -> s.gelu(a, out, k)));
        compare(n, 1e-6, (s, a, b, c, out, k) -> run(() -> s.softplus(a, out, k)));
    }

    private static double run(Runnable loop) {
        loop.run();
        return 0;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 16, 31, 40, 64, 67})
    void scansAgree(int p) {
        for (int n : new int[] {1, 5, 16}) {
            for (int steps : new int[] {1, 3, 4, 9}) {
                int stride = p + 2 * n;
                float[] expected = scan(scalar, p, n, steps, stride);
                float[] actual = scan(vector, p, n, steps, stride);
                for (int i = 0; i < expected.length; i++) {
                    assertEquals(expected[i], actual[i], 1e-5 * Math.max(1, Math.abs(expected[i])), "element " + i);
                }
            }
        }
    }

    /** Returns the outputs, followed by the states. */
    private static float[] scan(FloatKernels loops, int p, int n, int steps, int stride) {
        Random numbers = new Random(7);
        int total = steps * (stride + 2) + n * p + steps * p;
        SizeClassAllocator.Block block = memory.allocate((long) total * Float.BYTES);
        try {
            long rows = block.address();
            for (int i = 0; i < total; i++) {
                set(rows, i, (float) numbers.nextGaussian());
            }
            long dt = rows + (long) steps * stride * Float.BYTES;
            long decay = dt + (long) steps * Float.BYTES;
            for (int i = 0; i < steps; i++) {
                set(decay, i, numbers.nextFloat());
            }
            long y = decay + (long) steps * Float.BYTES;
            long state = y + (long) steps * p * Float.BYTES;
            long b = rows + (long) p * Float.BYTES;
            long c = b + (long) n * Float.BYTES;
            loops.scan(rows, b, c, stride, dt, decay, 1, 0.5f, state, p, n, steps, y, p);
            float[] result = new float[steps * p + n * p];
            for (int i = 0; i < result.length; i++) {
                result[i] = get(y, i);
            }
            return result;
        } finally {
            memory.release(block);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 16, 31, 40, 64, 67})
    void depthwiseConvolutionsAgree(int channels) {
        for (int cells : new int[] {1, 2, 3, 7}) {
            int line = (cells + 2) * channels;
            compare(
                    cells * channels,
                    3e-6,
                    (s, a, b, c, out, k) -> run(() -> s.depthwiseConvolution(
                            a,
                            b,
                            c,
                            cells,
                            channels,
                            a + (long) line * Float.BYTES,
                            b + (long) line * Float.BYTES,
                            out)));
        }
    }

    @Test
    void exponentialsAreAccurateToOneUnitInTheLastPlace() {
        accurate("exp", Math::exp, -87, 88, 1.3e-7, (s, x, out, n) -> s.exp(x, out, n));
    }

    @Test
    void activationsAreAccurate() {
        accurate("silu", x -> x / (1 + Math.exp(-x)), -30, 30, 4e-7, (s, x, out, n) -> s.silu(x, out, n));
        accurate("softplus", x -> Math.log1p(Math.exp(x)), -80, 80, 4e-7, (s, x, out, n) -> s.softplus(x, out, n));
        accurate("gelu", FloatKernelsTest::gelu, -2, 30, 1e-6, (s, x, out, n) -> s.gelu(x, out, n));
    }

    private static double gelu(double x) {
        return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
    }

    @FunctionalInterface
    private interface Function {
        void apply(FloatKernels loops, long x, long out, int n);
    }

    private void accurate(
            String name, DoubleUnaryOperator exact, double from, double to, double tolerance, Function function) {
        int n = 20_000;
        SizeClassAllocator.Block block = memory.allocate(2L * n * Float.BYTES);
        try {
            long out = block.address() + (long) n * Float.BYTES;
            for (FloatKernels loops : new FloatKernels[] {scalar, vector}) {
                for (int i = 0; i < n; i++) {
                    set(block.address(), i, (float) (from + (to - from) * random.nextDouble()));
                }
                function.apply(loops, block.address(), out, n);
                double worst = 0;
                for (int i = 0; i < n; i++) {
                    double want = exact.applyAsDouble(get(block.address(), i));
                    worst = Math.max(worst, Math.abs(get(out, i) - want) / Math.abs(want));
                }
                assertTrue(worst < tolerance, name + ", " + loops.description() + ": relative error " + worst);
            }
        } finally {
            memory.release(block);
        }
    }

    @Test
    void extremesOfTheExponential() {
        float[] inputs = {Float.NEGATIVE_INFINITY, -1e30f, -88f, -87.4f, 0, 89, Float.POSITIVE_INFINITY, Float.NaN};
        double[] outputs = {0, 0, 0, 0, 1, Math.exp(88), Math.exp(88), Double.NaN};
        SizeClassAllocator.Block block = memory.allocate(256);
        try {
            for (FloatKernels loops : new FloatKernels[] {scalar, vector}) {
                // 16 elements fill a register of any width.
                for (int i = 0; i < 16; i++) {
                    set(block.address(), i, inputs[i % 8]);
                }
                loops.exp(block.address(), block.address(), 16);
                for (int i = 0; i < 16; i++) {
                    double want = outputs[i % 8];
                    assertEquals(
                            want,
                            get(block.address(), i),
                            want > 0 ? want * 1e-6 : 0,
                            inputs[i % 8] + ", " + loops.description());
                }
            }
        } finally {
            memory.release(block);
        }
    }

    @Test
    void bfloat16RoundsToEvenAndKeepsNaN() {
        int n = 70_001;
        SizeClassAllocator.Block block = memory.allocate(10L * n);
        try {
            long floats = block.address();
            long bits = floats + 4L * n;
            long back = bits + 2L * n;
            for (int i = 0; i < n; i++) {
                set(floats, i, Float.intBitsToFloat(random.nextInt()));
            }
            set(floats, 3, Float.NaN);
            set(floats, 4, Float.intBitsToFloat(0x7F800001));
            set(floats, 5, Float.MAX_VALUE);
            set(floats, 6, Float.intBitsToFloat(0x3F808000));
            set(floats, 7, Float.intBitsToFloat(0x3F818000));
            for (FloatKernels loops : new FloatKernels[] {scalar, vector}) {
                loops.narrow(floats, bits, n);
                loops.widen(bits, back, n);
                for (int i = 0; i < n; i++) {
                    short want = BFloat16.fromFloat(get(floats, i));
                    assertEquals(want, RawMemory.getShort(bits + 2L * i), "element " + i + ", " + loops.description());
                    assertEquals(
                            Float.floatToRawIntBits(BFloat16.toFloat(want)), Float.floatToRawIntBits(get(back, i)));
                }
            }
        } finally {
            memory.release(block);
        }
    }

    private static float get(long address, int index) {
        return RawMemory.getFloat(address + (long) index * Float.BYTES);
    }

    private static void set(long address, int index, float value) {
        RawMemory.setFloat(address + (long) index * Float.BYTES, value);
    }
}
