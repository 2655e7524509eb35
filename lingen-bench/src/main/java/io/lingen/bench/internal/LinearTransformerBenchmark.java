package io.lingen.bench.internal;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.LinearParameters;
import io.lingen.core.op.LinearWeights;
import io.lingen.core.op.Rotation;
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
 * Benchmarks of the operations of a transformer with linear attention and gated convolutions, in the sizes of SANA-Video 2B: 20 heads of
 * 112 columns, 6,720 hidden channels, and 30x52 tokens per latent frame (832x480 pixels). {@link #copy} and {@link #linear} give the rates
 * of memory and of matrix products that limit the others.
 */
// A call takes milliseconds, so measure the average time.
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
public class LinearTransformerBenchmark {
    private static final int HEADS = 20;
    private static final int[] BANDS = {40, 36, 36};
    private static final int WIDTH = HEADS * 112;
    private static final int HIDDEN = 6720;

    @Param("3")
    int frames;

    @Param({"f32", "bf16"})
    String precision = "";

    @Param("cpu")
    String backend = "";

    @Param("2")
    int threads;

    private Backend device;
    private Workspace workspace;
    private Grid grid;
    private Rotation rotation;
    private Heads q;
    private Heads k;
    private Heads v;
    private Tensor mixed;
    private Tensor hidden;
    private Tensor copied;
    private Tensor weight;
    private Tensor bias;
    private Tensor gated;
    private LinearWeights projection;

    /** Creates a benchmark, whose parameters JMH sets. */
    public LinearTransformerBenchmark() {}

    /** Opens the backend and allocates random inputs. */
    @Setup
    public void allocate() {
        DType type = BenchmarkBackend.precision(precision);
        device = BenchmarkBackend.open(backend, threads);
        workspace = device.newWorkspace();
        grid = new Grid(frames, 30, 52);
        long n = grid.cells();
        rotation = new Rotation(
                grid,
                normal(DType.F32, frames, BANDS[0]),
                normal(DType.F32, grid.h(), BANDS[1]),
                normal(DType.F32, grid.w(), BANDS[2]));
        q = new Heads(normal(type, n, WIDTH), 0, HEADS, WIDTH / HEADS);
        k = new Heads(normal(type, n, WIDTH), 0, HEADS, WIDTH / HEADS);
        v = new Heads(normal(type, n, WIDTH), 0, HEADS, WIDTH / HEADS);
        mixed = normal(type, n, WIDTH);
        hidden = normal(type, n, 2 * HIDDEN);
        copied = normal(type, n, 2 * HIDDEN);
        weight = normal(DType.F32, 2 * HIDDEN, 3, 3);
        bias = normal(DType.F32, 2 * HIDDEN);
        gated = normal(type, n, HIDDEN);
        try (Workspace scratch = device.newWorkspace()) {
            Tensor matrix = scratch.allocate(DType.F32, WIDTH, HIDDEN);
            device.normal(1, matrix);
            HostTensor source = device.download(matrix);
            projection = device.packLinear(workspace, new LinearParameters(source, null), type);
        }
    }

    /**
     * Measures linear attention over all tokens.
     *
     * @return the output
     */
    @Benchmark
    public Tensor linearAttention() {
        device.linearAttention(q, k, v, rotation, mixed);
        return mixed;
    }

    /**
     * Measures the middle of the feed-forward network: SiLU, depthwise convolution and gate.
     *
     * @return the output
     */
    @Benchmark
    public Tensor gatedDepthwiseConvolution() {
        device.gatedDepthwiseConvolution(hidden, grid, weight, bias, gated);
        return gated;
    }

    /**
     * Measures the last layer of the feed-forward network, for the rate of matrix products.
     *
     * @return the output
     */
    @Benchmark
    public Tensor linear() {
        device.linear(gated, projection, Epilogue.NONE, mixed);
        return mixed;
    }

    /**
     * Measures a copy of the hidden channels, for the rate of memory.
     *
     * @return the output
     */
    @Benchmark
    public Tensor copy() {
        device.copy(hidden, copied);
        return copied;
    }

    private Tensor normal(DType dtype, long... lengths) {
        Tensor tensor = workspace.allocate(dtype, lengths);
        device.normal(tensor.shape().elements(), tensor);
        return tensor;
    }

    /** Checks that the outputs are finite and not zero, and closes the backend. */
    @TearDown(Level.Trial)
    public void checkAndClose() {
        Results.requireValid("attention or layer", device.download(mixed));
        Results.requireValid("convolution", device.download(gated));
        Results.requireValid("copy", device.download(copied));
        workspace.close();
        device.close();
    }
}
