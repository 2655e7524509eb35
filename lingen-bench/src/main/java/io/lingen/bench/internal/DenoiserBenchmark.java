package io.lingen.bench.internal;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.diffusion.VideoTransformer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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

/** A benchmark of a pass of LinGen and of a DiT with the same width and depth. The default size is that of lingen-nano. */
// A pass takes seconds, so measure the average time of a few.
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
// Kernels are compiled during the first passes. The time is steady from the second iteration on.
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 5, time = 2)
// The variance between runs of the machine exceeds that between JVMs, so one fork is enough.
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
// A backend has its own threads, for which several callers would compete.
@State(Scope.Benchmark)
public class DenoiserBenchmark {
    @Param({"lingen", "dit"})
    String architecture = "";

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

    @Param("8")
    int depth;

    private Path folder;
    private Backend device;
    private Workspace workspace;
    private Denoiser denoiser;
    private Conditioning conditioning;
    private Tensor latent;
    private Tensor velocity;

    /** Creates a benchmark, whose parameters JMH sets. */
    public DenoiserBenchmark() {}

    /**
     * Writes and loads a model with random weights.
     *
     * @throws IOException if the model cannot be written
     */
    @Setup
    public void load() throws IOException {
        Workload workload = Workload.of(architecture, size, seconds, hidden, depth);
        DType type = BenchmarkBackend.precision(precision);
        folder = Files.createTempDirectory("lingen-bench");
        RandomTransformer.write(folder, workload, 1, DType.F32);
        device = BenchmarkBackend.open(backend, threads);
        denoiser = VideoTransformer.load(ModelSource.of(folder), "transformer", device, type);
        workspace = device.newWorkspace();
        latent = workspace.allocate(DType.F32, workload.latent());
        velocity = workspace.allocate(DType.F32, workload.latent());
        device.normal(1, latent);
        Tensor text = workspace.allocate(DType.F32, Workload.TEXT_TOKENS, Workload.TEXT_WIDTH);
        device.normal(2, text);
        HostTensor tokens = device.download(text);
        conditioning = denoiser.condition(List.of(new TextEmbedding(tokens, null)));
    }

    /**
     * Measures a pass.
     *
     * @return the predicted velocity
     */
    @Benchmark
    public Tensor pass() {
        denoiser.predict(latent, 0.37, conditioning, velocity);
        return velocity;
    }

    /**
     * Checks that the velocity is finite and not zero, closes the backend, and deletes the model.
     *
     * @throws IOException if the model cannot be deleted
     */
    @TearDown(Level.Trial)
    public void checkAndClose() throws IOException {
        Results.requireValid("velocity", device.download(velocity));
        conditioning.close();
        workspace.close();
        denoiser.close();
        device.close();
        TemporaryFolder.delete(folder);
    }
}
