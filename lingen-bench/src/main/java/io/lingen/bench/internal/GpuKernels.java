package io.lingen.bench.internal;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.accounting.OperationKind;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.LinearParameters;
import io.lingen.core.op.LinearWeights;
import io.lingen.core.op.Padding;
import io.lingen.core.op.Rotation;
import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanOrder;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import io.lingen.core.op.Windows;
import io.lingen.cuda.internal.backend.CudaKernels;
import java.util.ArrayList;
import java.util.List;

/** The operations of a block of a denoiser and of a decoder, in BF16 with an F32 residual stream, on random data. */
final class GpuKernels {
    private static final Dims3 REVIEW = new Dims3(2, 2, 2);
    private static final Dims3 WINDOW = new Dims3(16, 4, 4);

    private final Backend backend;
    private final Workspace workspace;
    private final Workload workload;
    private final Grid grid;
    private final long n;
    private final int d;
    private final List<GpuCase> cases = new ArrayList<>();

    GpuKernels(Backend backend, Workspace workspace, Workload workload) {
        this.backend = backend;
        this.workspace = workspace;
        this.workload = workload;
        long[] latent = workload.latent().toArray();
        grid = new Grid((int) latent[1], (int) latent[2] / 2, (int) latent[3] / 2);
        n = grid.cells();
        d = workload.hiddenSize();
    }

    /** Returns the cases in the order of a block. */
    List<GpuCase> cases() {
        memoryOperations();
        scans();
        attention();
        linearTransformer();
        gemms();
        decoderOperations();
        return cases;
    }

    private void memoryOperations() {
        Tensor stream = normal(DType.F32, n, d);
        Tensor tokens = workspace.allocate(DType.BF16, n, d);
        Tensor shift = normal(DType.F32, d);
        Tensor table = normal(DType.F32, Math.max(grid.t(), Math.max(grid.h(), grid.w())), d);
        add("position", n * d * 8.0, () -> backend.addPosition(stream, table, table, table, grid, stream));
        add("layer norm", n * d * 6.0, () -> backend.modulatedLayerNorm(stream, shift, shift, 1e-6f, tokens));
        Tensor review = workspace.allocate(DType.BF16, grid.dividedBy(REVIEW).cells(), d);
        add("review pooling", n * d * 2.25, () -> backend.averagePool(tokens, grid, REVIEW, review));
        Tensor y = normal(DType.BF16, n, 2L * d);
        Tensor z = normal(DType.BF16, n, 2L * d);
        Tensor weight = normal(DType.F32, 2L * d);
        add("gated RMS norm", n * d * 12.0, () -> backend.gatedRmsNorm(y, z, weight, 1e-5f, y));
    }

    private void scans() {
        ScanSpec spec =
                new ScanSpec(Workload.EXPAND * d, Workload.STATE_SIZE, 1, Workload.SCAN_HEAD, Workload.CONV_WIDTH, 256);
        ScanWeights weights = new ScanWeights(
                normal(DType.F32, spec.channels(), Workload.CONV_WIDTH),
                normal(DType.F32, spec.channels()),
                normal(DType.F32, spec.heads()),
                normal(DType.F32, spec.heads()),
                normal(DType.F32, spec.heads()));
        Tensor y = workspace.allocate(DType.BF16, n, spec.innerWidth());
        for (String axes : new String[] {"thw", "wht"}) {
            for (boolean backward : new boolean[] {false, true}) {
                ScanPath path = new ScanPath(grid, grid.dividedBy(REVIEW), ScanOrder.of(axes, false), backward);
                int columns = spec.innerWidth() + 2 * spec.groupWidth() + spec.heads();
                Tensor projection = normal(DType.BF16, path.rows(), columns);
                int b = spec.innerWidth();
                ScanInput input = new ScanInput(projection, 0, b, b + spec.groupWidth(), b + 2L * spec.groupWidth());
                double bytes = path.steps() * columns * 2.0 + n * spec.innerWidth() * (backward ? 4.0 : 2.0);
                // The kernel has chunks of 64. It computes the scores once per group, and half of each square is
                // masked.
                double perToken =
                        2.0 * 64 * spec.groupWidth() + 2.0 * spec.innerWidth() * (64 + 2.0 * spec.stateSize());
                cases.add(new GpuCase(
                        "scan " + axes + (backward ? ", backward" : ", forward"),
                        bytes,
                        path.steps() * perToken,
                        () -> backend.selectiveScan(input, path, spec, weights, backward, y)));
            }
        }
    }

    private void attention() {
        Tensor qkv = normal(DType.BF16, n, 3L * d);
        Tensor out = workspace.allocate(DType.BF16, n, d);
        Heads q = heads(qkv, 0);
        Heads k = heads(qkv, d);
        Heads v = heads(qkv, 2L * d);
        Windows windows = new Windows(WINDOW, true);
        addVariants("window attention", n * d * 8.0, () -> backend.windowAttention(q, k, v, grid, windows, null, out));
        Tensor text = normal(DType.BF16, Workload.TEXT_TOKENS, 2L * d);
        Heads textKeys = heads(text, 0);
        Heads textValues = heads(text, d);
        addVariants("cross-attention", n * d * 4.0, () -> backend.attention(q, textKeys, textValues, null, out));
        addVariants("full attention (DiT)", n * d * 8.0, () -> backend.attention(q, k, v, null, out));
    }

    /** Adds a case, and another one without warpgroup instructions if the device has them. */
    private void addVariants(String name, double bytes, Runnable work) {
        addCounted(name, bytes, work);
        if (CudaKernels.of(backend).device().properties().hasWarpgroups()) {
            GpuSwitch warpgroups = CudaKernels.of(backend).device()::useWarpgroups;
            addCounted(name + ", mma.sync", bytes, warpgroups.during(false, work));
        }
    }

    /** Adds the operations of a block with linear attention and a convolutional feed-forward network. */
    private void linearTransformer() {
        int headDim = d / workload.heads();
        int third = headDim / 6 * 2;
        Rotation rotation = new Rotation(
                grid,
                normal(DType.F32, grid.t(), headDim - 2 * third),
                normal(DType.F32, grid.h(), third),
                normal(DType.F32, grid.w(), third));
        Tensor qkv = normal(DType.BF16, n, 3L * d);
        Tensor out = workspace.allocate(DType.BF16, n, d);
        addCounted(
                "linear attention",
                n * d * 8.0,
                () -> backend.linearAttention(heads(qkv, 0), heads(qkv, d), heads(qkv, 2L * d), rotation, out));
        long hidden = (long) Workload.FFN_RATIO * d;
        Tensor x = normal(DType.BF16, n, hidden);
        Tensor gated = workspace.allocate(DType.BF16, n, hidden / 2);
        Tensor weight = normal(DType.F32, hidden, 3, 3);
        Tensor bias = normal(DType.F32, hidden);
        add(
                "gated depthwise convolution",
                n * hidden * 3.0,
                () -> backend.gatedDepthwiseConvolution(x, grid, weight, bias, gated));
    }

    private void gemms() {
        long rows = Math.min(n, backend.tokensPerChunk());
        Tensor x = normal(DType.BF16, rows, d);
        Tensor wide = normal(DType.BF16, rows, (long) Workload.FFN_RATIO * d);
        Tensor stream = normal(DType.F32, rows, d);
        LinearWeights up = weights(backend, workspace, d, Workload.FFN_RATIO * d);
        LinearWeights down = weights(backend, workspace, Workload.FFN_RATIO * d, d);
        LinearWeights square = weights(backend, workspace, d, d);
        Epilogue gated = Epilogue.gatedAdd(normal(DType.F32, d));
        Tensor out = workspace.allocate(DType.BF16, rows, d);
        addCounted("d to d", rows * d * 4.0 + 2.0 * d * d, () -> backend.linear(x, square, Epilogue.NONE, out));
        double weightBytes = 2.0 * d * d * Workload.FFN_RATIO;
        addCounted("d to 4d, GELU", rows * d * 10.0 + weightBytes, () -> backend.linear(x, up, Epilogue.GELU, wide));
        addCounted(
                "4d to d, gate and residual",
                rows * d * 16.0 + weightBytes,
                () -> backend.linear(wide, down, gated, stream));
    }

    /** Adds the operations of the last level of a decoder, which has most of the work. */
    private void decoderOperations() {
        boolean large = d >= 512;
        int channels = large ? 128 : 16;
        long side = large ? 256 : 16;
        Tensor x = normal(DType.BF16, 8, side, side, channels);
        Tensor y = workspace.allocate(DType.BF16, 8, side, side, channels);
        Tensor scale = normal(DType.F32, channels);
        int groups = Math.min(32, channels);
        add(
                "group norm, SiLU, " + channels,
                4.0 * x.shape().elements(),
                () -> backend.groupNorm(x, groups, scale, scale, 1e-6f, true, y));
        long cells = large ? 60 * 104 : 64;
        int columns = 3 * channels;
        Tensor frame = normal(DType.BF16, cells, 3L * columns);
        Tensor mixed = workspace.allocate(DType.BF16, cells, columns);
        addCounted(
                "attention, one head of " + columns,
                8.0 * mixed.shape().elements(),
                () -> backend.attention(
                        new Heads(frame, 0, 1, columns),
                        new Heads(frame, columns, 1, columns),
                        new Heads(frame, 2L * columns, 1, columns),
                        null,
                        mixed));
        Tensor small = normal(DType.BF16, 4, side / 2, side / 2, channels);
        add(
                "upsampling, " + channels,
                2.0 * (small.shape().elements() + y.shape().elements()),
                () -> backend.upsampleNearest(small, REVIEW, y));
        for (Dims3 kernel : List.of(new Dims3(1, 3, 3), new Dims3(3, 1, 1))) {
            HostTensor weight =
                    backend.download(normal(DType.F32, channels, channels, kernel.t(), kernel.h(), kernel.w()));
            HostTensor bias = HostTensor.of(new float[channels], channels);
            ConvolutionParameters source = new ConvolutionParameters(weight, bias, Dims3.ONE, Padding.same(kernel));
            ConvolutionWeights weights = backend.packConvolution(workspace, source, DType.BF16);
            double bytes = 4.0 * x.shape().elements() + 2.0 * kernel.volume() * channels * channels;
            String name = "convolution " + kernel + ", " + channels;
            addVariants(name, bytes, () -> backend.convolution(x, weights, y));
        }
    }

    private void add(String name, double bytes, Runnable work) {
        cases.add(new GpuCase(name, bytes, 0, work));
    }

    /** Adds a case whose floating-point operations are counted by the backend. */
    private void addCounted(String name, double bytes, Runnable work) {
        backend.operations().reset();
        work.run();
        long operations = backend.operations().total() - backend.operations().count(OperationKind.ELEMENTWISE);
        cases.add(new GpuCase(name, bytes, operations, work));
    }

    private Heads heads(Tensor matrix, long column) {
        return new Heads(matrix, column, workload.heads(), d / workload.heads());
    }

    private Tensor normal(DType dtype, long... lengths) {
        return normal(backend, workspace, dtype, lengths);
    }

    static Tensor normal(Backend backend, Workspace workspace, DType dtype, long... lengths) {
        Tensor tensor = workspace.allocate(dtype, lengths);
        backend.normal(tensor.shape().elements(), tensor);
        return tensor;
    }

    static LinearWeights weights(Backend backend, Workspace workspace, int in, int out) {
        try (Workspace scratch = backend.newWorkspace()) {
            Tensor weight = normal(backend, scratch, DType.BF16, out, in);
            HostTensor matrix = backend.download(weight);
            HostTensor bias = HostTensor.of(new float[out], out);
            return backend.packLinear(workspace, new LinearParameters(matrix, bias), DType.BF16);
        }
    }
}
