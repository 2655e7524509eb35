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
 * The base class of the contracts. It opens the backend and a workspace, and checks that all memory is freed. It generates random inputs
 * from a seed, and compares results with a reference in double precision. Tolerances depend on the types.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class BackendContract {
    /** Allows for a few consecutive roundings to BF16, each of 2^-9. */
    private static final double BF16_TOLERANCE = 8e-3;

    /** Allows for about 30 units in the last place. Rounding errors of sums grow with the square root of their length. */
    private static final double F32_TOLERANCE = 2e-6;

    /** The types of tensors. */
    static final List<DType> TYPES = List.of(DType.F32, DType.BF16);

    private Backend backend;
    private Workspace workspace;
    private Random random;

    /** Creates the backend under test, which the contract closes after its last test. Aborts the test (an assumption) without a device. */
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
        assertEquals(0, backend.memory().liveBytes(), "a closed workspace has live bytes");
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

    /** A tensor and its values, which are rounded to its type. */
    record Sample(Tensor tensor, double[] values) {}

    /** Creates a tensor of normal numbers. */
    final Sample normal(DType dtype, double scale, long... lengths) {
        return sample(dtype, normals(scale, Shape.of(lengths).elements()), lengths);
    }

    /** Creates a tensor of the given values. */
    final Sample sample(DType dtype, float[] values, long... lengths) {
        HostTensor host = HostTensor.of(values, lengths);
        return new Sample(backend.upload(workspace, host, dtype), rounded(values, dtype));
    }

    /** Creates an output whose elements are NaN until they are written. */
    final Tensor output(DType dtype, long... lengths) {
        float[] values = new float[(int) Shape.of(lengths).elements()];
        Arrays.fill(values, Float.NaN);
        return sample(dtype, values, lengths).tensor();
    }

    /** A packed linear layer with its rounded weight [out, in] and bias [out], if any. */
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

    /** Returns values rounded to a type. */
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

    /** Returns the allowed relative L2 error of sums of {@code length} terms of the given types. */
    static double tolerance(long length, DType... dtypes) {
        return Arrays.asList(dtypes).contains(DType.BF16)
                ? BF16_TOLERANCE
                : F32_TOLERANCE * Math.max(1, Math.sqrt(length / 64.0));
    }

    /** Returns the elements of a tensor. */
    final float[] floats(Tensor tensor) {
        return backend.download(tensor).toFloats();
    }

    static void assertRejected(Executable operation) {
        assertThrows(IllegalArgumentException.class, operation);
    }

    /** Checks that a matrix is unchanged except for some columns. */
    final void assertSameOutside(int column, int count, Sample before) {
        int columns = (int) before.tensor().shape().last();
        float[] values = floats(before.tensor());
        for (int i = 0; i < values.length; i++) {
            if (i % columns < column || i % columns >= column + count) {
                assertEquals((float) before.values()[i], values[i], "element " + i + ", outside the columns");
            }
        }
    }

    /** Checks that all elements are equal. NaN equals NaN. */
    final void assertExactly(double[] expected, Tensor actual) {
        float[] values = new float[expected.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) expected[i];
        }
        assertArrayEquals(values, floats(actual));
    }

    /** An operation that overwrites its output or adds to it. */
    interface Accumulation {
        void run(boolean accumulate, Tensor out);
    }

    /** Checks an operation that overwrites its output, and the same that adds to it. */
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

    /** Checks that all elements are finite and that the relative L2 error is small. */
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
