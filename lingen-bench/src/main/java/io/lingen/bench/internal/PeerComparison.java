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
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * One denoiser pass in Java and in PyTorch, on the same weights, turn by turn: whatever else the machine does meets both alike. Both hold the
 * text's keys and values ready and are warm before the first turn.
 */
@Command(
        name = "peer",
        mixinStandardHelpOptions = true,
        description = "Times Java and PyTorch turn by turn on the same random weights.")
public final class PeerComparison implements Callable<Integer> {
    private static final int WARM_UP = 3;
    /** Threads of either side that wait actively for more work are asleep after this time. */
    private static final long PAUSE_MILLIS = 250;

    @Option(names = "--architecture", defaultValue = "lingen", description = "lingen or dit (${DEFAULT-VALUE})")
    String architecture = "";

    @Option(names = "--size", defaultValue = "128x128", description = "the clip in pixels (${DEFAULT-VALUE})")
    String size = "";

    @Option(names = "--seconds", defaultValue = "17", description = "the clip's length (${DEFAULT-VALUE})")
    int seconds;

    @Option(names = "--hidden", defaultValue = "192", description = "the model's width (${DEFAULT-VALUE})")
    int hidden;

    @Option(names = "--depth", defaultValue = "8", description = "the model's blocks (${DEFAULT-VALUE})")
    int depth;

    @Option(names = "--precision", defaultValue = "bf16", description = "f32 or bf16 (${DEFAULT-VALUE})")
    String precision = "";

    @Option(names = "--backend", defaultValue = "cpu", description = "Java's backend (${DEFAULT-VALUE})")
    String backend = "";

    @Option(names = "--threads", defaultValue = "2", description = "of either side (${DEFAULT-VALUE})")
    int threads;

    @Option(names = "--turns", defaultValue = "9", description = "timed passes of either side (${DEFAULT-VALUE})")
    int turns;

    @Option(names = "--seed", defaultValue = "1", description = "of the weights (${DEFAULT-VALUE})")
    long seed;

    @Option(names = "--python", defaultValue = "python3", description = "a Python with torch (${DEFAULT-VALUE})")
    String python = "";

    @Option(
            names = "--peer",
            defaultValue = "src-test-fixtures/python",
            description = "the folder of the PyTorch reference (${DEFAULT-VALUE})")
    Path peerFolder = Path.of("");

    @Spec
    CommandSpec spec;

    @Override
    public Integer call() throws IOException, InterruptedException {
        Workload workload = Workload.of(architecture, size, seconds, hidden, depth);
        DType type = MeteredBackend.precision(precision);
        Path model = Files.createTempDirectory("lingen-peer");
        try {
            RandomTransformer.write(model, workload, seed, DType.F32);
            try (Backend device = Backends.create(backend, new BackendOptions(threads));
                    Peer peer = Peer.start(python, peerFolder, arguments(model, workload))) {
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

    private void compare(Workload workload, DType type, Path model, Backend device, Peer peer)
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
            Results.requireSound("velocity", device.download(velocity));
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

    private void report(Workload workload, Backend device, Peer peer, long operations, double[] java, double[] torch) {
        PrintWriter out = spec.commandLine().getOut();
        out.printf(Locale.ROOT, "machine    %s%n", Machine.description());
        out.printf(Locale.ROOT, "java       %s; %s%n", Machine.runtime(), device.description());
        out.printf(Locale.ROOT, "peer       %s%n", peer.description());
        out.printf(
                Locale.ROOT,
                "pass       %s, hidden %d, %d blocks, %s of %d s = %d tokens, %s, %d threads, %.1f GFLOP%n",
                workload.architecture(),
                hidden,
                depth,
                size,
                seconds,
                workload.tokens(),
                precision,
                threads,
                operations / 1e9);
        line(out, "java", java, operations);
        line(out, "peer", torch, operations);
        double[] ratios = new double[turns];
        for (int turn = 0; turn < turns; turn++) {
            ratios[turn] = torch[turn] / java[turn];
        }
        out.printf(
                Locale.ROOT,
                "speed      java / peer = %.2f (median of %d pairs; %.2f to %.2f)%n",
                median(ratios),
                turns,
                Arrays.stream(ratios).min().orElseThrow(),
                Arrays.stream(ratios).max().orElseThrow());
        out.flush();
    }

    private static void line(PrintWriter out, String name, double[] seconds, long operations) {
        out.printf(
                Locale.ROOT,
                "%-10s median %.1f ms, least %.1f, most %.1f; %.0f GFLOP/s%n",
                name,
                1e3 * median(seconds),
                1e3 * Arrays.stream(seconds).min().orElseThrow(),
                1e3 * Arrays.stream(seconds).max().orElseThrow(),
                operations / 1e9 / median(seconds));
    }

    static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
}
