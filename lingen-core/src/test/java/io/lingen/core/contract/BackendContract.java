package io.lingen.core.contract;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.internal.BFloat16;
import io.lingen.core.op.LinearParameters;
import io.lingen.core.op.LinearWeights;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.function.Executable;

/**
 * Base of the contracts, the tests that every backend must pass: opens the backend and a workspace, which must leave nothing behind, makes
 * seeded inputs, and compares results with a reference in double precision, by tolerances that follow from the types.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class BackendContract {
    /** The rounding of one BF16 value, 2^-9, with room for a few in a row. */
    private static final double BF16_TOLERANCE = 8e-3;

    /** Some 30 units in the last place; rounding errors of sums grow with the square root of their length. */
    private static final double F32_TOLERANCE = 2e-6;

    /** The types of tensors. */
    static final List<DType> TYPES = List.of(DType.F32, DType.BF16);

    private Backend backend;
    private Workspace workspace;
    private Random random;

    /** Makes the backend under test, closed by the contract after its last test; aborts (an assumption) if there is no device. */
    protected abstract Backend newBackend();

    @BeforeAll
    protected final void openBackend() {
        backend = newBackend();
    }

    @AfterAll
    protected final void closeBackend() {
        if (backend != null) {
            backend.close();
        }
    }

    @BeforeEach
    protected final void openWorkspace() {
        workspace = backend.newWorkspace();
        random = new Random(42);
    }

    @AfterEach
    protected final void closeWorkspace() {
        workspace.close();
        assertEquals(0, backend.memory().liveBytes(), "bytes that outlive their workspace");
    }

    final Backend backend() {
        return backend;
    }

    final Workspace workspace() {
        return workspace;
    }

    final Random random() {
        return random;
    }

    /** A tensor beside the values that it holds, which are the given ones after rounding to its type. */
    record Sample(Tensor tensor, double[] values) {}

    /** A tensor of normal numbers. */
    final Sample normal(DType dtype, double scale, long... lengths) {
        return sample(dtype, normals(scale, Shape.of(lengths).elements()), lengths);
    }

    /** A tensor of the given values. */
    final Sample sample(DType dtype, float[] values, long... lengths) {
        HostTensor host = HostTensor.of(values, lengths);
        return new Sample(backend.upload(workspace, host, dtype), rounded(values, dtype));
    }

    /** An output whose every element is NaN until it is written. */
    final Tensor output(DType dtype, long... lengths) {
        float[] values = new float[(int) Shape.of(lengths).elements()];
        Arrays.fill(values, Float.NaN);
        return sample(dtype, values, lengths).tensor();
    }

    /** A linear layer beside its weights as packed: [out, in] and, if any, [out]. */
    record Layer(LinearWeights weights, double[] weight, double[] bias) {}

    final Layer layer(DType dtype, int in, int out, boolean bias) {
        float[] weight = normals(1 / Math.sqrt(in), (long) in * out);
        float[] biases = bias ? normals(1, out) : new float[out];
        LinearParameters source =
                new LinearParameters(HostTensor.of(weight, out, in), bias ? HostTensor.of(biases, out) : null);
        return new Layer(
                backend.packLinear(workspace, source, dtype), rounded(weight, dtype), rounded(biases, DType.F32));
    }

    final float[] normals(double scale, long count) {
        float[] values = new float[(int) count];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (scale * random.nextGaussian());
        }
        return values;
    }

    /** The values after rounding to a type. */
    static double[] rounded(float[] values, DType dtype) {
        double[] rounded = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            rounded[i] = dtype == DType.BF16 ? BFloat16.round(values[i]) : values[i];
        }
        return rounded;
    }

    static double[] rounded(double[] values, DType dtype) {
        double[] rounded = values.clone();
        if (dtype == DType.BF16) {
            Arrays.setAll(rounded, i -> BFloat16.round((float) values[i]));
        }
        return rounded;
    }

    /** The relative L2 error that sums of {@code length} terms may have when the given types are involved. */
    static double tolerance(long length, DType... dtypes) {
        return Arrays.asList(dtypes).contains(DType.BF16)
                ? BF16_TOLERANCE
                : F32_TOLERANCE * Math.max(1, Math.sqrt(length / 64.0));
    }

    /** The elements of a tensor. */
    final float[] floats(Tensor tensor) {
        return backend.download(tensor).toFloats();
    }

    static void assertRefused(Executable operation) {
        assertThrows(IllegalArgumentException.class, operation);
    }

    /** Compares a matrix with what it held, but for some columns. */
    final void assertSameOutside(int column, int count, Sample before) {
        int columns = (int) before.tensor().shape().last();
        float[] values = floats(before.tensor());
        for (int i = 0; i < values.length; i++) {
            if (i % columns < column || i % columns >= column + count) {
                assertEquals((float) before.values()[i], values[i], "element " + i + ", outside of the columns");
            }
        }
    }

    /** Compares element by element; NaN equals NaN. */
    final void assertExactly(double[] expected, Tensor actual) {
        float[] values = new float[expected.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) expected[i];
        }
        assertArrayEquals(values, floats(actual));
    }

    /** An operation that overwrites an output, or adds to it. */
    interface Accumulation {
        void run(boolean accumulate, Tensor out);
    }

    /** Runs an operation on an output of some type both ways. */
    final void assertOverwritesAndAdds(
            double[] expected, double tolerance, Accumulation operation, DType out, long... lengths) {
        Tensor y = output(out, lengths);
        operation.run(false, y);
        assertClose(expected, y, tolerance);
        Sample before = normal(out, 1, lengths);
        operation.run(true, before.tensor());
        double[] sums = expected.clone();
        Arrays.setAll(sums, i -> expected[i] + before.values()[i]);
        assertClose(sums, before.tensor(), tolerance);
    }

    /** Compares by relative L2 error; no NaN and no infinity may occur. */
    final void assertClose(double[] expected, Tensor actual, double tolerance) {
        float[] values = floats(actual);
        assertEquals(expected.length, values.length, "number of elements");
        double error = 0;
        double norm = 0;
        for (int i = 0; i < values.length; i++) {
            int at = i;
            assertTrue(
                    Float.isFinite(values[i]),
                    () -> "element " + at + " is " + values[at] + ", expected " + expected[at]);
            error += (values[i] - expected[i]) * (values[i] - expected[i]);
            norm += expected[i] * expected[i];
        }
        double relative = norm == 0 ? Math.sqrt(error) : Math.sqrt(error / norm);
        assertTrue(
                relative <= tolerance,
                () -> String.format(
                        Locale.ROOT,
                        "relative L2 error %.3g, allowed %.3g; expected %s..., found %s...",
                        relative,
                        tolerance,
                        Arrays.toString(Arrays.copyOf(expected, Math.min(4, expected.length))),
                        Arrays.toString(Arrays.copyOf(values, Math.min(4, values.length)))));
    }
}
