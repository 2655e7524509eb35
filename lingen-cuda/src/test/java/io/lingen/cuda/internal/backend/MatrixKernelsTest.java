package io.lingen.cuda.internal.backend;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.internal.BFloat16;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.Padding;
import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanOrder;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import io.lingen.core.op.Windows;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Compares the kernels on tensor cores with the F32 kernels, on the same BF16 values. The contracts compare the F32 kernels with the
 * reference. The sizes here are those of real models and need several blocks.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class MatrixKernelsTest {
    /** Allows for a few consecutive roundings to BF16, as in the contracts. */
    private static final double TOLERANCE = 8e-3;

    private @Nullable Backend backend;
    private @Nullable Backend warpgroupBackend;
    private final Random random = new Random(7);

    @BeforeAll
    void open() {
        backend = TestBackends.openWithoutWarpgroups();
    }

    @AfterAll
    void close() {
        if (backend != null) {
            backend.close();
        }
        if (warpgroupBackend != null) {
            warpgroupBackend.close();
        }
    }

    @ParameterizedTest
    @CsvSource({
        // grid, prefix, order, heads, head, state, groups, taps, backward
        "5, 9, 23,  3, 5, 12, hwt, 2, 64, 128, 1, 4, false",
        "5, 9, 23,  3, 5, 12, hwt, 2, 64, 128, 1, 4, true",
        "2, 9, 9,  1, 3, 9, wht, 34, 64, 16, 2, 3, false",
        "3, 9, 27,  3, 5, 12, wth, 3, 38, 64, 3, 5, true",
        "4, 8, 16,  2, 4, 8, wth, 3, 32, 32, 1, 4, false",
        "1, 1, 64,  0, 0, 0, thw, 1, 64, 64, 1, 4, false",
        "1, 1, 65,  0, 0, 0, thw, 1, 64, 64, 1, 4, true",
        "3, 7, 31,  1, 1, 1, twh, 4, 33, 17, 2, 2, false",
        "13, 7, 11,  7, 4, 6, wht, 1, 8, 8, 1, 8, true",
        "2, 3, 5,  1, 2, 3, thw, 2, 40, 100, 2, 1, false"
    })
    void scan(
            int t,
            int h,
            int w,
            int pt,
            int ph,
            int pw,
            String order,
            int heads,
            int headDim,
            int state,
            int groups,
            int taps,
            boolean backward) {
        ScanSpec spec = new ScanSpec(heads * headDim, state, groups, headDim, taps, 64);
        Grid prefix = pt == 0 ? null : new Grid(pt, ph, pw);
        ScanPath path = new ScanPath(new Grid(t, h, w), prefix, ScanOrder.of(order, false), backward);
        int x = 8;
        int b = x + spec.innerWidth();
        int c = b + spec.groupWidth();
        int dt = c + spec.groupWidth();
        float[] convWeight = normals(0.5, spec.channels() * taps);
        float[] convBias = normals(0.2, spec.channels());
        float[] dtBias = normals(0.5, heads);
        float[] aLog = normals(0.7, heads);
        float[] skip = normals(1, heads);
        float[] before = normals(1, (int) path.grid().cells() * spec.innerWidth());
        for (int i = 0; i < heads; i++) {
            dtBias[i] -= 3;
        }
        for (DType type : new DType[] {DType.F32, DType.BF16}) {
            assertAgree(device(), path.rows(), dt + heads + 3, (workspace, projection) -> {
                ScanWeights weights = new ScanWeights(
                        upload(device(), workspace, convWeight, spec.channels(), taps),
                        upload(device(), workspace, convBias, spec.channels()),
                        upload(device(), workspace, dtBias, heads),
                        upload(device(), workspace, aLog, heads),
                        upload(device(), workspace, skip, heads));
                Tensor y = upload(device(), workspace, before, path.grid().cells(), spec.innerWidth());
                if (type == DType.BF16) {
                    Tensor coarse = workspace.allocate(type, y.shape());
                    device().copy(y, coarse);
                    y = coarse;
                }
                device().selectiveScan(new ScanInput(projection, x, b, c, dt), path, spec, weights, backward, y);
                return y;
            });
        }
    }

    static Stream<Arguments> attentions() {
        return withAndWithoutWarpgroups(
                List.of("1300, 70, 40, 64, true, true", "650, 300, 72, 128, false, true"),
                // queries, keys, heads, head dimension, weighted keys, output like the input
                "1, 1, 1, 128, false, true",
                "130, 257, 2, 128, true, true",
                "161, 300, 1, 128, false, true",
                "200, 130, 2, 64, true, false",
                "150, 190, 1, 120, false, true",
                "64, 64, 1, 64, false, true",
                "65, 63, 3, 64, true, true",
                "129, 200, 2, 32, false, true",
                "100, 65, 1, 80, true, true",
                "33, 129, 2, 24, false, false",
                "17, 70, 1, 7, true, true",
                // Wide heads, with several tiles of queries and keys, and columns that are not a multiple of 8.
                "70, 200, 1, 384, false, true",
                "130, 65, 2, 256, true, true",
                "64, 32, 1, 512, false, false",
                "65, 170, 1, 300, true, true",
                "33, 97, 2, 135, false, true",
                "3, 1, 1, 136, false, true",
                // Several shares of work per block, several tiles of keys, and sizes at or just above a multiple of a
                // tile.
                "520, 64, 2, 128, true, true",
                "300, 640, 1, 64, false, true",
                "257, 513, 2, 128, true, true",
                "128, 1024, 1, 128, false, true",
                "257, 700, 1, 72, true, true",
                "520, 128, 1, 40, false, true",
                "1, 385, 5, 128, false, true");
    }

    @ParameterizedTest
    @MethodSource("attentions")
    void attention(
            int queries, int keys, int heads, int headDim, boolean weighted, boolean coarse, boolean warpgroups) {
        Backend device = device(warpgroups);
        int width = heads * headDim;
        float[] weights = new float[keys];
        for (int i = 0; i < keys; i++) {
            // The weights of the complete first tile of keys are 0, for each tile size.
            boolean kept = i >= Math.min(128, keys - 1) && (i == keys - 1 || random.nextInt(3) > 0);
            weights[i] = !kept ? 0 : random.nextBoolean() ? 1 : (float) Math.exp(2 * random.nextGaussian());
        }
        int rows = Math.max(queries, keys);
        assertAgree(device, rows, 3 * width + 8, (workspace, matrix) -> {
            Tensor out = workspace.allocate(coarse ? matrix.dtype() : DType.F32, queries, width);
            device.attention(
                    new Heads(matrix.slice(0, queries), 8, heads, headDim),
                    new Heads(matrix.slice(0, keys), 8 + width, heads, headDim),
                    new Heads(matrix.slice(0, keys), 8 + 2 * width, heads, headDim),
                    weighted ? upload(device, workspace, weights, keys) : null,
                    out);
            return out;
        });
    }

    static Stream<Arguments> windowAttentions() {
        return withAndWithoutWarpgroups(
                List.of(
                        "18, 9, 9,  16, 4, 4,  50, 128, true, false, true",
                        "17, 9, 9,  16, 4, 4,  50, 64, false, false, true"),
                // grid, window, heads, head dimension, shifted, bias, output like the input
                "16, 4, 4,  16, 4, 4,  1, 128, false, false, true",
                "20, 7, 9,  16, 4, 4,  2, 32, true, false, false",
                "18, 5, 6,  16, 4, 4,  2, 128, true, false, true",
                "18, 6, 5,  16, 4, 4,  1, 128, false, true, true",
                "18, 5, 6,  16, 4, 4,  1, 64, true, true, false",
                "9, 5, 3,  8, 4, 4,  2, 16, false, true, true",
                // Windows of one or two tiles, some of them empty.
                "34, 9, 6,  16, 4, 4,  2, 64, true, false, true",
                "20, 7, 9,  16, 4, 4,  3, 128, true, false, true",
                "5, 4, 6,  4, 4, 4,  2, 104, false, false, true",
                "9, 5, 6,  8, 4, 4,  1, 160, true, false, true",
                "3, 11, 7,  2, 3, 2,  4, 128, true, false, true");
    }

    @ParameterizedTest
    @MethodSource("windowAttentions")
    void windowAttention(
            int t,
            int h,
            int w,
            int wt,
            int wh,
            int ww,
            int heads,
            int headDim,
            boolean shifted,
            boolean biased,
            boolean coarse,
            boolean warpgroups) {
        Backend device = device(warpgroups);
        Grid grid = new Grid(t, h, w);
        Windows windows = new Windows(new Dims3(wt, wh, ww), shifted);
        int width = heads * headDim;
        int offsets = (2 * wt - 1) * (2 * wh - 1) * (2 * ww - 1);
        float[] bias = normals(1, heads * offsets);
        assertAgree(device, grid.cells(), 3 * width, (workspace, matrix) -> {
            Tensor out = workspace.allocate(coarse ? matrix.dtype() : DType.F32, grid.cells(), width);
            device.windowAttention(
                    new Heads(matrix, 0, heads, headDim),
                    new Heads(matrix, width, heads, headDim),
                    new Heads(matrix, 2 * width, heads, headDim),
                    grid,
                    windows,
                    biased ? upload(device, workspace, bias, heads, offsets) : null,
                    out);
            return out;
        });
    }

    static Stream<Arguments> convolutions() {
        return withAndWithoutWarpgroups(
                List.of("5, 130, 120, 64, 128, 1, 3, 3, true", "11, 60, 130, 128, 96, 3, 1, 1, true"),
                // video, in, out, kernel, output like the input
                "1, 16, 16, 64, 128,  1, 3, 3, true",
                "3, 17, 19, 64, 136,  1, 3, 3, true",
                "2, 20, 33, 96, 96,  1, 3, 3, true",
                "19, 5, 7, 128, 64,  3, 1, 1, true",
                "2, 9, 9, 16, 3,  1, 3, 3, false",
                "2, 9, 9, 72, 3,  1, 3, 3, true",
                "7, 9, 9, 200, 24,  3, 3, 1, true",
                "1, 1, 300, 72, 40,  1, 1, 1, true",
                "3, 20, 20, 200, 40,  1, 1, 1, true",
                // Boxes of one patch and one tap, where the loader is ahead by more than one box.
                "1, 9, 300, 64, 200,  1, 1, 1, true",
                "4, 6, 5, 8, 130,  1, 1, 3, false",
                "5, 4, 70, 64, 72,  1, 1, 5, true",
                "2, 33, 40, 192, 264,  1, 3, 3, true",
                "1, 5, 6, 12, 16,  3, 3, 3, true");
    }

    @ParameterizedTest
    @MethodSource("convolutions")
    void convolution(int t, int h, int w, int in, int out, int kt, int kh, int kw, boolean coarse, boolean warpgroups) {
        Backend device = device(warpgroups);
        float[] weight = normals(1 / Math.sqrt(in * kt * kh * kw), out * in * kt * kh * kw);
        for (int i = 0; i < weight.length; i++) {
            weight[i] = BFloat16.toFloat(BFloat16.fromFloat(weight[i]));
        }
        // The second padding is that of a causal autoencoder.
        for (Padding padding : List.of(Padding.same(new Dims3(kt, kh, kw)), Padding.same(new Dims3(1, kh, kw)))) {
            ConvolutionParameters source = new ConvolutionParameters(
                    HostTensor.of(weight, out, in, kt, kh, kw),
                    HostTensor.of(normals(1, out), out),
                    Dims3.ONE,
                    padding);
            if (t + padding.beforeT() + padding.afterT() >= kt) {
                assertAgree(device, (long) t * h * w, in, (workspace, matrix) -> {
                    ConvolutionWeights weights = device.packConvolution(workspace, source, matrix.dtype());
                    Tensor x = matrix.reshape(Shape.of(t, h, w, in));
                    Tensor y = workspace.allocate(coarse ? matrix.dtype() : DType.F32, source.outputOf(x.shape()));
                    device.convolution(x, weights, y);
                    return y;
                });
            }
        }
    }

    /** Compares an operation on a matrix of BF16 values stored as BF16 with the same values stored as F32. */
    private void assertAgree(Backend device, long rows, long columns, BiFunction<Workspace, Tensor, Tensor> operation) {
        float[] values = normals(1, (int) (rows * columns));
        try (Workspace workspace = device.newWorkspace()) {
            Tensor coarse = device.upload(workspace, HostTensor.of(values, rows, columns), DType.BF16);
            Tensor plain = workspace.allocate(DType.F32, Shape.of(rows, columns));
            device.copy(coarse, plain);
            float[] expected =
                    device.download(operation.apply(workspace, plain)).toFloats();
            float[] found = device.download(operation.apply(workspace, coarse)).toFloats();
            double error = 0;
            double norm = 0;
            for (int i = 0; i < expected.length; i++) {
                error += Math.pow(found[i] - expected[i], 2);
                norm += Math.pow(expected[i], 2);
            }
            double relative = Math.sqrt(error / norm);
            assertTrue(
                    relative <= TOLERANCE,
                    () -> "relative error " + relative + ", expected "
                            + Arrays.toString(Arrays.copyOf(expected, 4)) + ", found "
                            + Arrays.toString(Arrays.copyOf(found, 4)));
        }
    }

    /**
     * Returns every case twice: with warp instructions, and with warpgroup instructions if the device has them.
     *
     * @param large cases for more multiprocessors than the emulated device has
     */
    private static Stream<Arguments> withAndWithoutWarpgroups(List<String> large, String... cases) {
        List<String> all = new ArrayList<>(List.of(cases));
        if (TestBackends.onGpu()) {
            all.addAll(large);
        }
        return Stream.of(false, true)
                .flatMap(warpgroups -> all.stream().map(each -> (each + "," + warpgroups).split("\\s*,\\s*")))
                .map(fields -> Arguments.of((Object[]) fields));
    }

    private Backend device(boolean warpgroups) {
        if (!warpgroups) {
            return device();
        }
        if (warpgroupBackend == null) {
            warpgroupBackend = TestBackends.openWithWarpgroups();
        }
        return warpgroupBackend;
    }

    private Backend device() {
        Backend open = backend;
        if (open == null) {
            throw new IllegalStateException("the backend is not open");
        }
        return open;
    }

    private static Tensor upload(Backend device, Workspace workspace, float[] values, long... lengths) {
        return device.upload(workspace, HostTensor.of(values, lengths), DType.F32);
    }

    private float[] normals(double scale, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) (scale * random.nextGaussian());
        }
        return values;
    }
}
