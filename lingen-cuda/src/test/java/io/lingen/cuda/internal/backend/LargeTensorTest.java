package io.lingen.cuda.internal.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.internal.PhiloxNormal;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.LinearParameters;
import io.lingen.core.op.LinearWeights;
import io.lingen.core.op.Padding;
import io.lingen.core.op.PatchSize;
import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanOrder;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import io.lingen.core.op.Windows;
import io.lingen.diffusion.ParityCheck;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Tests of tensors of more than 2^31 elements, on a GPU with enough memory. The last rows of the output must equal the output for the last
 * rows of the input alone. Outputs are initialized with noise, so rows that are not written differ.
 */
final class LargeTensorTest {
    private static final long MIN_BYTES = 48L << 30;
    private static final double TOLERANCE = 8e-3;
    private static final int D = 2560;
    private static final Grid GRID = new Grid(32, 164, 164);
    private static final long ROWS = GRID.cells();
    /** The rows of the grid's last step along time. */
    private static final long TAIL = ROWS / 32;

    private static final Grid LAST = new Grid(1, 164, 164);
    private static final int HEADS = 20;
    private static final int HEAD = D / HEADS;

    private @Nullable Backend backend;
    private @Nullable Workspace workspace;

    /** An operation on a matrix and an output, of all rows or only the last ones. */
    private interface RowOperation {
        void run(Tensor x, Tensor out);
    }

    @BeforeEach
    void open() {
        assumeTrue(TestBackends.onGpu(), "needs a GPU");
        Backend opened = TestBackends.open();
        backend = opened;
        workspace = opened.newWorkspace();
        assumeTrue(CudaKernels.of(opened).device().properties().totalBytes() >= MIN_BYTES, "needs a GPU with 48 GiB");
    }

    @AfterEach
    void close() {
        if (workspace != null) {
            workspace.close();
        }
        if (backend != null) {
            backend.close();
        }
    }

    @Test
    void noise() {
        Tensor x = noise(5, ROWS, D);
        float[] found = device().download(x.slice(ROWS - 1, ROWS)).toFloats();
        for (int i = 0; i < D; i++) {
            double expected = PhiloxNormal.at(5, (ROWS - 1) * D + i);
            assertEquals(expected, found[i], 5e-3 * Math.abs(expected) + 1e-6);
        }
    }

    @Test
    void elementwise() {
        check(D, (x, out) -> device().copy(x, out));
        check(D, (x, out) -> device().add(x, x, out));
        check(D, (x, out) -> {
            device().copy(x, out);
            device().addScaled(0.5f, x, out);
        });
        check(D, (x, out) -> {
            device().copy(x, out);
            device().interpolate(out, x, 7.5f, out);
        });
    }

    @Test
    void norms() {
        Tensor a = parameter(D);
        Tensor b = parameter(D);
        check(D, (x, out) -> device().modulatedLayerNorm(x, a, b, 1e-6f, out));
        check(D, (x, out) -> device().gatedRmsNorm(x, x, a, 1e-6f, out));
        Tensor head = parameter(HEAD);
        check(D, (x, out) -> {
            device().copy(x, out);
            device().headRmsNorm(new Heads(out, 0, HEADS, HEAD), head, 1e-6f);
        });
    }

    @Test
    void linearLayers() {
        LinearWeights weights = linear(D, D);
        Epilogue gated = Epilogue.gatedAdd(parameter(D));
        check(D, (x, out) -> device().linear(x, weights, Epilogue.NONE, out));
        check(D, (x, out) -> device().linear(x, weights, Epilogue.GELU, out));
        check(D, (x, out) -> {
            device().copy(x, out);
            device().linear(x, weights, gated, out);
        });
    }

    @Test
    void attention() {
        Tensor text = noise(11, 64, 2 * D);
        check(D, (x, out) -> device().attention(
                        new Heads(x, 0, HEADS, HEAD),
                        new Heads(text, 0, HEADS, HEAD),
                        new Heads(text, D, HEADS, HEAD),
                        null,
                        out));
        Windows windows = new Windows(new Dims3(1, 8, 8), false);
        check(D, (x, out) -> {
            Heads heads = new Heads(x, 0, HEADS, HEAD);
            device().windowAttention(heads, heads, heads, gridOf(x), windows, null, out);
        });
    }

    /** The decay is so fast that distant rows have no effect. */
    @Test
    void scan() {
        ScanSpec spec = new ScanSpec(D, 128, 1, 64, 4, 64);
        float[] ones = new float[spec.heads()];
        Arrays.fill(ones, 1);
        Tensor rates = device().upload(space(), HostTensor.of(ones, ones.length), DType.F32);
        ScanWeights weights =
                new ScanWeights(parameter(spec.channels(), 4), parameter(spec.channels()), rates, rates, rates);
        int columns = D + 2 * 128 + spec.heads();
        check(columns, (x, out) -> {
            ScanInput input = new ScanInput(x, 0, D, D + 128, D + 256);
            for (boolean backward : new boolean[] {false, true}) {
                ScanPath path = new ScanPath(gridOf(x), null, ScanOrder.of("thw", false), backward);
                device().selectiveScan(input, path, spec, weights, backward, out);
            }
        });
    }

    @Test
    void tokens() {
        Tensor table = parameter(GRID.h(), D);
        check(D, (x, out) -> {
            Tensor zeros = device().upload(space(), HostTensor.of(new float[32 * D], 32, D), DType.F32);
            device().addPosition(x, zeros, table, table, gridOf(x), out);
        });
        Dims3 kernel = new Dims3(1, 2, 2);
        Tensor x = noise(1, ROWS, D);
        Tensor pooled = noise(9, ROWS / 4, D);
        device().averagePool(x, GRID, kernel, pooled);
        Tensor lastPooled = noise(9, TAIL / 4, D);
        device().averagePool(x.slice(ROWS - TAIL, ROWS), LAST, kernel, lastPooled);
        assertAgree(lastPooled, pooled.slice(ROWS / 4 - TAIL / 4, ROWS / 4));
    }

    @Test
    void patches() {
        Tensor video = noise(2, 16, 130, 1024, 1024);
        Tensor tokens = noise(9, 130L * 512 * 512, 64);
        PatchSize patch = new PatchSize(1, 2, 2);
        device().patchify(video, patch, tokens);
        Tensor back = noise(9, 16, 130, 1024, 1024);
        device().unpatchify(tokens, patch, back);
        assertAgree(
                video.slice(15, 16).reshape(Shape.of(130, 1024, 1024)).slice(126, 130),
                back.slice(15, 16).reshape(Shape.of(130, 1024, 1024)).slice(126, 130));
    }

    @ParameterizedTest
    @CsvSource({"1, 3, 3, true", "1, 3, 3, false", "3, 1, 1, true", "3, 1, 1, false"})
    void convolutions(int kt, int kh, int kw, boolean warpgroups) {
        CudaKernels.of(device()).device().useWarpgroups(warpgroups);
        HostTensor weight = device().download(parameter(256, 256, kt, kh, kw));
        ConvolutionParameters source = new ConvolutionParameters(
                weight, HostTensor.of(new float[256], 256), Dims3.ONE, Padding.same(new Dims3(kt, kh, kw)));
        ConvolutionWeights weights = device().packConvolution(space(), source, DType.BF16);
        checkVideo((x, out) -> device().convolution(x, weights, out));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void groupNorm(boolean silu) {
        Tensor weight = parameter(256);
        checkVideo((x, out) -> device().groupNorm(x, 32, weight, weight, 1e-6f, silu, out));
    }

    @Test
    void upsampling() {
        Tensor x = noise(1, 17, 256, 256, 256);
        Tensor out = noise(9, 34, 512, 512, 256);
        device().upsampleNearest(x, new Dims3(2, 2, 2), out);
        Tensor last = noise(9, 2, 512, 512, 256);
        device().upsampleNearest(x.slice(16, 17), new Dims3(2, 2, 2), last);
        assertAgree(last.slice(1, 2), out.slice(33, 34));
    }

    /**
     * Checks an operation on a matrix.
     *
     * @param columns the columns of the input; the output has D
     */
    private void check(int columns, RowOperation operation) {
        Tensor x = noise(1, ROWS, columns);
        Tensor out = noise(9, ROWS, D);
        operation.run(x, out);
        Tensor last = noise(9, TAIL, D);
        operation.run(x.slice(ROWS - TAIL, ROWS), last);
        // The first half of the last rows may depend on rows before them.
        assertAgree(last.slice(TAIL / 2, TAIL), out.slice(ROWS - TAIL / 2, ROWS));
    }

    /** Checks an operation on a video [33, 512, 512, 256]. A frame may depend on itself and the two before. */
    private void checkVideo(RowOperation operation) {
        Tensor x = noise(1, 33, 512, 512, 256);
        Tensor out = noise(9, 33, 512, 512, 256);
        operation.run(x, out);
        Tensor last = noise(9, 3, 512, 512, 256);
        operation.run(x.slice(30, 33), last);
        assertAgree(last.slice(2, 3), out.slice(32, 33));
    }

    private void assertAgree(Tensor expected, Tensor found) {
        double relative = ParityCheck.Comparison.of("rows", device().download(expected), device().download(found))
                .relativeError();
        assertTrue(relative <= TOLERANCE, () -> "relative error " + relative);
    }

    private static Grid gridOf(Tensor x) {
        return x.shape().rows() == ROWS ? GRID : LAST;
    }

    private LinearWeights linear(int in, int out) {
        HostTensor weight = device().download(parameter(out, in));
        return device().packLinear(
                        space(), new LinearParameters(weight, HostTensor.of(new float[out], out)), DType.BF16);
    }

    private Tensor noise(long seed, long... lengths) {
        Tensor tensor = space().allocate(DType.BF16, lengths);
        device().normal(seed, tensor);
        return tensor;
    }

    private Tensor parameter(long... lengths) {
        Tensor tensor = space().allocate(DType.F32, lengths);
        device().normal(3, tensor);
        return tensor;
    }

    private Backend device() {
        if (backend == null) {
            throw new IllegalStateException("the backend is not open");
        }
        return backend;
    }

    private Workspace space() {
        if (workspace == null) {
            throw new IllegalStateException("the workspace is not open");
        }
        return workspace;
    }
}
