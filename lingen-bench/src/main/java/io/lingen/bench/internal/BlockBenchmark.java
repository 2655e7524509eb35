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
 * Benchmarks of the components of a block. LinGen has scans in two directions and window attention where DiT has full attention. The other
 * components are common to both. The time of {@link #scan} and {@link #windowAttention} is linear in the length of the clip, that of
 * {@link #fullAttention} is quadratic.
 */
// A call takes milliseconds to seconds, so measure the average time.
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
// A kernel compiles within a few calls.
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
// The variance between runs of the machine exceeds that between JVMs, so one fork is enough.
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
// A backend has its own threads, for which several callers would compete.
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

    /** Creates a benchmark, whose parameters JMH sets. */
    public BlockBenchmark() {}

    /** Opens the backend and allocates random inputs. */
    @Setup
    public void allocate() {
        Workload workload = Workload.of("lingen", size, seconds, hidden, 1);
        Shape latent = workload.latent();
        grid = new Grid((int) latent.length(1), (int) latent.length(2) / 2, (int) latent.length(3) / 2);
        heads = workload.heads();
        type = BenchmarkBackend.precision(precision);
        device = BenchmarkBackend.open(backend, threads);
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
        // The order with the least locality: neighbors in the scan are in different frames.
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

    /**
     * Measures the selective scans in both directions, with review tokens.
     *
     * @return the output
     */
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

    /**
     * Measures attention in shifted windows of 16x4x4.
     *
     * @return the output
     */
    @Benchmark
    public Tensor windowAttention() {
        Windows windows = new Windows(new Dims3(16, 4, 4), true);
        device.windowAttention(band(qkv, 0), band(qkv, 1), band(qkv, 2), grid, windows, null, mixed);
        return mixed;
    }

    /**
     * Measures attention over all tokens.
     *
     * @return the output
     */
    @Benchmark
    public Tensor fullAttention() {
        device.attention(band(qkv, 0), band(qkv, 1), band(qkv, 2), null, mixed);
        return mixed;
    }

    /**
     * Measures attention to 64 text tokens.
     *
     * @return the output
     */
    @Benchmark
    public Tensor crossAttention() {
        device.attention(band(tokens, 0), band(textKeysAndValues, 0), band(textKeysAndValues, 1), null, mixed);
        return mixed;
    }

    /**
     * Measures the feed-forward network: a layer from d to 4d, GELU, and a gated layer from 4d to d, added to the residual stream.
     *
     * @return the output
     */
    @Benchmark
    public Tensor feedForward() {
        device.linear(tokens, fc1, Epilogue.GELU, hiddenLayer);
        device.linear(hiddenLayer, fc2, gated, out);
        return out;
    }

    /**
     * Measures the modulated layer norm before each branch.
     *
     * @return the output
     */
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

    /** Checks that the outputs are finite and not zero, and closes the backend. */
    @TearDown(Level.Trial)
    public void checkAndClose() {
        Results.requireValid("tokens", device.download(tokens));
        Results.requireValid("feed-forward", device.download(hiddenLayer));
        Results.requireValid("scan", device.download(scanned));
        Results.requireValid("attention", device.download(mixed));
        workspace.close();
        device.close();
    }
}
