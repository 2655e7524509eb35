package io.lingen.bench.internal;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.diffusion.VideoTransformer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * The command {@code lingen bench peer}. It compares the time of a denoiser pass with that of PyTorch on the same weights. The two
 * alternate, so that other load of the machine affects both. Both are warmed up, and both have precomputed the keys and values of the text.
 */
@Command(
        name = "peer",
        mixinStandardHelpOptions = true,
        description =
                "Compare the time of a denoiser pass with that of eager PyTorch, on the same random weights. Both run in turns.")
public final class PeerComparison implements Callable<Integer> {
    private static final int WARM_UP = 3;
    /** The pause before a pass, after which idle threads of the other process no longer spin. */
    private static final long PAUSE_MILLIS = 250;

    @Option(
            names = "--architecture",
            paramLabel = "lingen|dit",
            defaultValue = "lingen",
            description = "Architecture of the denoiser (default: ${DEFAULT-VALUE}).")
    String architecture = "";

    @Option(
            names = "--size",
            paramLabel = "WxH",
            defaultValue = "128x128",
            description = "Width and height in pixels, multiples of 16 (default: ${DEFAULT-VALUE}).")
    String size = "";

    @Option(
            names = "--seconds",
            paramLabel = "N",
            defaultValue = "17",
            description = "Length of the clip in seconds (default: ${DEFAULT-VALUE}).")
    int seconds;

    @Option(
            names = "--hidden",
            paramLabel = "N",
            defaultValue = "192",
            description = "Hidden size of the denoiser, a multiple of 32 (default: ${DEFAULT-VALUE}).")
    int hidden;

    @Option(
            names = "--depth",
            paramLabel = "N",
            defaultValue = "8",
            description = "Number of blocks of the denoiser (default: ${DEFAULT-VALUE}).")
    int depth;

    @Option(
            names = "--precision",
            paramLabel = "f32|bf16",
            defaultValue = "bf16",
            description = "Precision of matrix products and activations on both sides (default: ${DEFAULT-VALUE}).")
    String precision = "";

    @Option(
            names = "--backend",
            paramLabel = "cpu|nd4j",
            defaultValue = "cpu",
            description = "Compute backend of LinGen; PyTorch runs on the CPU (default: ${DEFAULT-VALUE}).")
    String backend = "";

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "2",
            description = "Number of CPU threads of each side (default: ${DEFAULT-VALUE}).")
    int threads;

    @Option(
            names = "--turns",
            paramLabel = "N",
            defaultValue = "9",
            description =
                    "Number of measured passes of each side; their median is printed (default: ${DEFAULT-VALUE}).")
    int turns;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "1",
            description = "Seed of the random weights, an integer of 64 bits (default: ${DEFAULT-VALUE}).")
    long seed;

    @Option(
            names = "--python",
            defaultValue = "python3",
            paramLabel = "PROGRAM",
            description = "Python interpreter with torch, numpy and safetensors (default: ${DEFAULT-VALUE}).")
    String python = "";

    @Option(
            names = "--peer",
            defaultValue = "src-test-fixtures/python",
            paramLabel = "DIR",
            description = "Folder of the PyTorch reference in the project (default: ${DEFAULT-VALUE}).")
    Path peerFolder = Path.of("");

    @Spec
    CommandSpec spec;

    /** Creates the command. */
    public PeerComparison() {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        Workload workload = Workload.of(architecture, size, seconds, hidden, depth);
        DType type = BenchmarkBackend.precision(precision);
        Path model = Files.createTempDirectory("lingen-peer");
        try {
            RandomTransformer.write(model, workload, seed, DType.F32);
            try (Backend device = Backends.create(backend, new BackendOptions(threads));
                    PassProcess peer = PassProcess.python(
                            python, peerFolder, "bench.denoiser_bench", arguments(model, workload))) {
                compare(workload, type, model, device, peer);
            }
        } finally {
            TemporaryFolder.delete(model);
        }
        return 0;
    }

    private List<String> arguments(Path model, Workload workload) {
        Shape latent = workload.latent();
        return List.of(
                "--transformer",
                model.resolve("transformer").toAbsolutePath().toString(),
                "--grid",
                latent.length(1) + "," + latent.length(2) / 2 + "," + latent.length(3) / 2,
                "--text-tokens",
                "" + Workload.TEXT_TOKENS,
                "--precision",
                precision,
                "--threads",
                "" + threads);
    }

    private void compare(Workload workload, DType type, Path model, Backend device, PassProcess peer)
            throws InterruptedException {
        double[] java = new double[turns];
        double[] torch = new double[turns];
        long operations;
        try (Denoiser denoiser = VideoTransformer.load(ModelSource.of(model), "transformer", device, type);
                Workspace workspace = device.newWorkspace();
                Conditioning conditioning = denoiser.condition(List.of(text(device)))) {
            Tensor latent = workspace.allocate(DType.F32, workload.latent());
            Tensor velocity = workspace.allocate(DType.F32, workload.latent());
            device.normal(1, latent);
            for (int i = 0; i < WARM_UP; i++) {
                denoiser.predict(latent, 0.5, conditioning, velocity);
            }
            device.operations().reset();
            for (int turn = 0; turn < turns; turn++) {
                Thread.sleep(PAUSE_MILLIS);
                long start = System.nanoTime();
                denoiser.predict(latent, 0.5, conditioning, velocity);
                java[turn] = (System.nanoTime() - start) / 1e9;
                Thread.sleep(PAUSE_MILLIS);
                torch[turn] = peer.run();
            }
            operations = device.operations().total() / turns;
            Results.requireValid("velocity", device.download(velocity));
        }
        report(workload, device, peer, operations, java, torch);
    }

    private static TextEmbedding text(Backend device) {
        try (Workspace workspace = device.newWorkspace()) {
            Tensor text = workspace.allocate(DType.F32, Workload.TEXT_TOKENS, Workload.TEXT_WIDTH);
            device.normal(2, text);
            HostTensor tokens = device.download(text);
            return new TextEmbedding(tokens, null);
        }
    }

    private void report(
            Workload workload, Backend device, PassProcess peer, long operations, double[] java, double[] torch) {
        PrintWriter out = spec.commandLine().getOut();
        out.println("Comparison with PyTorch");
        out.printf(Locale.ROOT, "machine         %s%n", Machine.description());
        out.printf(Locale.ROOT, "Java            %s; %s%n", Machine.runtime(), device.description());
        out.printf(Locale.ROOT, "PyTorch         %s%n", peer.description());
        out.printf(
                Locale.ROOT,
                "pass            %s, hidden size %d, %d blocks, %s, %d s, %d tokens, %s, %d threads, %.1f GFLOP%n",
                workload.architecture(),
                hidden,
                depth,
                size,
                seconds,
                workload.tokens(),
                precision,
                threads,
                operations / 1e9);
        Timings ours = new Timings(java);
        Timings theirs = new Timings(torch);
        out.println("Java            " + ours.report(operations));
        out.println("PyTorch         " + theirs.report(operations));
        out.println("PyTorch / Java  " + ours.ratios(theirs));
        out.flush();
    }
}
