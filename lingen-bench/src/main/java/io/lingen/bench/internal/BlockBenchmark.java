package io.lingen.bench.internal;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.LinearParameters;
import io.lingen.core.op.LinearWeights;
import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanOrder;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import io.lingen.core.op.Windows;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a block is made of, one by one: the two directions of the scan, window attention, and in their place the full attention of a DiT;
 * then what both architectures share. {@link #scan} and {@link #windowAttention} grow linearly with the clip, {@link #fullAttention}
 * quadratically.
 */
// Parts take milliseconds to seconds: the average over whole calls is the figure.
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
// A kernel compiles within a few calls.
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
// One fork: the state of a CPU varies more between runs than between JVMs.
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
// A backend brings its own threads; several callers would only fight over them.
@State(Scope.Benchmark)
public class BlockBenchmark {
    @Param("256x256")
    String size = "";

    @Param("17")
    int seconds;

    @Param({"f32", "bf16"})
    String precision = "";

    @Param("cpu")
    String backend = "";

    @Param("2")
    int threads;

    @Param("192")
    int hidden;

    private Backend device;
    private Workspace workspace;
    private DType type;
    private Grid grid;
    private int heads;

    private Tensor tokens;
    private Tensor residual;
    private Tensor out;
    private Tensor shift;
    private Tensor scale;
    private Tensor hiddenLayer;
    private LinearWeights fc1;
    private LinearWeights fc2;
    private Epilogue gated;

    private Tensor qkv;
    private Tensor mixed;
    private Tensor textKeysAndValues;

    private Tensor projection;
    private Tensor scanned;
    private ScanSpec spec;
    private ScanWeights scanWeights;
    private ScanPath forward;
    private ScanPath backward;

    @Setup
    public void allocate() {
        Workload workload = Workload.of("lingen", size, seconds, hidden, 1);
        Shape latent = workload.latent();
        grid = new Grid((int) latent.length(1), (int) latent.length(2) / 2, (int) latent.length(3) / 2);
        heads = workload.heads();
        type = MeteredBackend.precision(precision);
        device = MeteredBackend.open(backend, threads);
        workspace = device.newWorkspace();
        long n = grid.cells();

        tokens = normal(type, n, hidden);
        residual = normal(DType.F32, n, hidden);
        out = normal(DType.F32, n, hidden);
        shift = normal(DType.F32, hidden);
        scale = normal(DType.F32, hidden);
        hiddenLayer = normal(type, n, 4L * hidden);
        fc1 = weights(hidden, 4 * hidden);
        fc2 = weights(4 * hidden, hidden);
        gated = Epilogue.gatedAdd(normal(DType.F32, hidden));

        qkv = normal(type, n, 3L * hidden);
        mixed = normal(type, n, hidden);
        textKeysAndValues = normal(type, Workload.TEXT_TOKENS, 2L * hidden);

        Grid review = grid.dividedBy(new Dims3(2, 2, 2));
        int inner = Workload.EXPAND * hidden;
        spec = new ScanSpec(inner, Workload.STATE_SIZE, 1, Workload.SCAN_HEAD, Workload.CONV_WIDTH, 256);
        // The slowest of the orders for memory: neighbours in the scan are a frame apart.
        ScanOrder order = ScanOrder.of("wht", false);
        forward = new ScanPath(grid, review, order, false);
        backward = new ScanPath(grid, review, order, true);
        projection = normal(type, forward.rows(), inner + 4L * Workload.STATE_SIZE + 2L * spec.heads());
        scanned = normal(type, n, inner);
        scanWeights = new ScanWeights(
                normal(DType.F32, spec.channels(), Workload.CONV_WIDTH),
                normal(DType.F32, spec.channels()),
                normal(DType.F32, spec.heads()),
                normal(DType.F32, spec.heads()),
                normal(DType.F32, spec.heads()));
    }

    /** Both directions of Mamba2's scan, with review tokens in front. */
    @Benchmark
    public Tensor scan() {
        long b = spec.innerWidth();
        long n = spec.groupWidth();
        long dt = b + 4 * n;
        device.selectiveScan(new ScanInput(projection, 0, b, b + n, dt), forward, spec, scanWeights, false, scanned);
        ScanInput reversed = new ScanInput(projection, 0, b + 2 * n, b + 3 * n, dt + spec.heads());
        device.selectiveScan(reversed, backward, spec, scanWeights, true, scanned);
        return scanned;
    }

    /** Attention in shifted windows of 16x4x4. */
    @Benchmark
    public Tensor windowAttention() {
        Windows windows = new Windows(new Dims3(16, 4, 4), true);
        device.windowAttention(band(qkv, 0), band(qkv, 1), band(qkv, 2), grid, windows, null, mixed);
        return mixed;
    }

    /** Attention over all tokens. */
    @Benchmark
    public Tensor fullAttention() {
        device.attention(band(qkv, 0), band(qkv, 1), band(qkv, 2), null, mixed);
        return mixed;
    }

    /** Attention to 64 text tokens. */
    @Benchmark
    public Tensor crossAttention() {
        device.attention(band(tokens, 0), band(textKeysAndValues, 0), band(textKeysAndValues, 1), null, mixed);
        return mixed;
    }

    /** d to 4d, GELU, and back, added to the residual stream through its gate. */
    @Benchmark
    public Tensor feedForward() {
        device.linear(tokens, fc1, Epilogue.GELU, hiddenLayer);
        device.linear(hiddenLayer, fc2, gated, out);
        return out;
    }

    /** The norm in front of every branch. */
    @Benchmark
    public Tensor norm() {
        device.modulatedLayerNorm(residual, shift, scale, 1e-6f, tokens);
        return tokens;
    }

    private Heads band(Tensor matrix, int index) {
        return new Heads(matrix, (long) index * hidden, heads, hidden / heads);
    }

    private Tensor normal(DType dtype, long... lengths) {
        Tensor tensor = workspace.allocate(dtype, lengths);
        device.normal(tensor.shape().elements(), tensor);
        return tensor;
    }

    private LinearWeights weights(int in, int outWidth) {
        try (Workspace scratch = device.newWorkspace()) {
            Tensor weight = scratch.allocate(DType.F32, outWidth, in);
            Tensor bias = scratch.allocate(DType.F32, outWidth);
            device.normal(in, weight);
            device.normal(outWidth, bias);
            HostTensor matrix = device.download(weight);
            return device.packLinear(workspace, new LinearParameters(matrix, device.download(bias)), type);
        }
    }

    @TearDown(Level.Trial)
    public void checkAndClose() {
        Results.requireSound("tokens", device.download(tokens));
        Results.requireSound("feed-forward", device.download(hiddenLayer));
        Results.requireSound("scan", device.download(scanned));
        Results.requireSound("attention", device.download(mixed));
        workspace.close();
        device.close();
    }
}
