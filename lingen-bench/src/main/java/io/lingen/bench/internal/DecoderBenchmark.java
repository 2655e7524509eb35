package io.lingen.bench.internal;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.vae.FrameStream;
import io.lingen.vae.LatentVideoDecoder;
import java.nio.file.Path;
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

/** A benchmark of decoding a clip to frames, tile by tile as in a pipeline. By default, it uses the decoder of the embedded model. */
// A clip takes seconds, so measure the average time.
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
// Kernels are compiled during the first clip, which has many tiles.
@Warmup(iterations = 1, time = 2)
@Measurement(iterations = 5, time = 2)
// The variance between runs of the machine exceeds that between JVMs, so one fork is enough.
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
// A backend has its own threads, for which several callers would compete.
@State(Scope.Benchmark)
public class DecoderBenchmark {
    private static final String EMBEDDED = "embedded";

    /** A model folder, or "embedded". */
    @Param(EMBEDDED)
    String model = "";

    @Param("128x128")
    String size = "";

    @Param("17")
    int seconds;

    @Param({"f32", "bf16"})
    String precision = "";

    @Param("cpu")
    String backend = "";

    @Param("2")
    int threads;

    private Backend device;
    private Workspace workspace;
    private LatentVideoDecoder decoder;
    private Tensor latent;
    private HostTensor lastFrame;

    /** Creates a benchmark, whose parameters JMH sets. */
    public DecoderBenchmark() {}

    /** Loads the decoder and allocates a random latent. */
    @Setup
    public void load() {
        ModelSource source = model.equals(EMBEDDED)
                ? ModelSource.ofResource(DecoderBenchmark.class.getClassLoader(), "io/lingen/nano")
                : ModelSource.of(Path.of(model));
        device = BenchmarkBackend.open(backend, threads);
        decoder = LatentVideoDecoder.load(source, "vae", device, BenchmarkBackend.precision(precision));
        workspace = device.newWorkspace();
        latent = workspace.allocate(DType.F32, Workload.latent(decoder.config(), size, seconds));
        device.normal(1, latent);
    }

    /**
     * Measures the decoding of a clip.
     *
     * @return the last frame
     */
    @Benchmark
    public HostTensor clip() {
        try (FrameStream frames = decoder.frames(latent)) {
            while (frames.hasNext()) {
                lastFrame = frames.nextValues();
            }
        }
        return lastFrame;
    }

    /** Checks that the last frame is finite and not zero, and closes the backend. */
    @TearDown(Level.Trial)
    public void checkAndClose() {
        Results.requireValid("last frame", lastFrame);
        workspace.close();
        decoder.close();
        device.close();
    }
}
