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

/** The frames of a clip, tile by tile, as a pipeline takes them; by default with the embedded model's decoder. */
// A clip takes seconds: the average over whole clips is the figure.
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
// Kernels compile within the first clip, which has many tiles.
@Warmup(iterations = 1, time = 2)
@Measurement(iterations = 5, time = 2)
// One fork: the state of a CPU varies more between runs than between JVMs.
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
// A backend brings its own threads; several callers would only fight over them.
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

    @Setup
    public void load() {
        ModelSource source = model.equals(EMBEDDED)
                ? ModelSource.ofResource(DecoderBenchmark.class.getClassLoader(), "io/lingen/nano")
                : ModelSource.of(Path.of(model));
        device = MeteredBackend.open(backend, threads);
        decoder = LatentVideoDecoder.load(source, "vae", device, MeteredBackend.precision(precision));
        workspace = device.newWorkspace();
        latent = workspace.allocate(DType.F32, Workload.latent(decoder.config(), size, seconds));
        device.normal(1, latent);
    }

    @Benchmark
    public HostTensor clip() {
        try (FrameStream frames = decoder.frames(latent)) {
            while (frames.hasNext()) {
                lastFrame = frames.nextValues();
            }
        }
        return lastFrame;
    }

    @TearDown(Level.Trial)
    public void checkAndClose() {
        Results.requireSound("last frame", lastFrame);
        workspace.close();
        decoder.close();
        device.close();
    }
}
