package io.lingen.bench.internal;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.SafetensorsFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * The command {@code lingen bench wan-peer}. It compares the denoiser or the decoder of Wan with diffusers on the same random weights: the
 * time of a pass, the peak memory and the output. Each side is a process of its own, and the two alternate. The rate of large matrix
 * products is measured between the passes.
 */
@Command(
        name = "wan-peer",
        mixinStandardHelpOptions = true,
        description =
                "Compare the denoiser or the decoder of Wan with diffusers, on the same random weights. Both run in turns.")
public final class WanComparison implements Callable<Integer> {
    /** The pause before a pass, after which idle threads of the other process no longer spin. */
    private static final long PAUSE_MILLIS = 250;

    /** The largest relative differences of outputs that rounding explains. */
    private static final double F32_TOLERANCE = 1e-4;

    private static final double BF16_TOLERANCE = 5e-2;

    /** The largest side of the matrices whose product is measured. */
    private static final int GEMM_SIDE = 4096;

    @Option(
            names = "--part",
            required = true,
            paramLabel = "denoiser|decoder",
            converter = PartConverter.class,
            description = "Component that is run.")
    WanPasses.Part part = WanPasses.Part.DENOISER;

    @Option(
            names = "--size",
            paramLabel = "WxH",
            defaultValue = "480x272",
            description = "Width and height in pixels, multiples of 16 (default: ${DEFAULT-VALUE}).")
    String size = "";

    @Option(
            names = "--frames",
            paramLabel = "N",
            defaultValue = "33",
            description = "Number of frames, 1 plus a multiple of 4 (default: ${DEFAULT-VALUE}).")
    int frames;

    @Option(
            names = "--precision",
            paramLabel = "f32|bf16",
            defaultValue = "bf16",
            description = "Precision of matrix products and activations on both sides (default: ${DEFAULT-VALUE}).")
    String precision = "";

    @Option(
            names = "--backend",
            paramLabel = "NAME",
            defaultValue = "cpu",
            description = "Compute backend of LinGen; diffusers runs on the CPU (default: ${DEFAULT-VALUE}).")
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
            defaultValue = "3",
            description =
                    "Number of measured passes of each side; their median is printed (default: ${DEFAULT-VALUE}).")
    int turns;

    @Option(
            names = "--apart",
            description = "Start both processes anew in every turn, so that only one model is in memory at a time.")
    boolean apart;

    @Option(names = "--without-peer", description = "Measure LinGen alone.")
    boolean withoutPeer;

    @Option(names = "--channels-last", description = "Run the decoder of diffusers on channels-last tensors.")
    boolean channelsLast;

    @Option(
            names = "--model",
            paramLabel = "DIR",
            description =
                    "Folder for the random weights, which later runs then use again (default: a temporary folder).")
    @Nullable
    Path folder;

    @Option(
            names = "--python",
            paramLabel = "FILE",
            defaultValue = "python3",
            description = "Python interpreter with torch and diffusers (default: ${DEFAULT-VALUE}).")
    String python = "";

    @Option(
            names = "--peer",
            paramLabel = "DIR",
            defaultValue = "src-test-fixtures/python",
            description = "Folder of the PyTorch programs in the project (default: ${DEFAULT-VALUE}).")
    Path peerFolder = Path.of("");

    @Mixin
    WanSize model;

    @Spec
    CommandSpec spec;

    /** Creates the command. */
    public WanComparison() {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        Shape latent = WanSize.latent(size, frames);
        Path temporary = Files.createTempDirectory("lingen-wan");
        try {
            Path weights = folder == null ? temporary.resolve("model") : folder;
            RandomWan random = new RandomWan(weights, model);
            if (part == WanPasses.Part.DENOISER) {
                random.writeTransformer();
            } else {
                random.writeVae();
            }
            Path input = temporary.resolve("input.safetensors");
            try (RandomWeights inputs = new RandomWeights(2, DType.F32)) {
                inputs.normal("latent", 0, 1, latent.toArray());
                inputs.normal("text", 0, 1, WanSize.TOKENS, model.textWidth);
                inputs.write(input);
            }
            return compare(weights, input, temporary);
        } finally {
            TemporaryFolder.delete(temporary);
        }
    }

    private int compare(Path weights, Path input, Path temporary) throws InterruptedException {
        List<String> javaArguments = List.of(
                part.name(), weights.toString(), input.toString(), backend, precision, Integer.toString(threads));
        DType type = BenchmarkBackend.precision(precision);
        int side = Math.min(GEMM_SIDE, model.ffn);
        try (Backend device = Backends.create(backend, new BackendOptions(threads));
                GemmRate gemm = new GemmRate(device, type, side);
                Side java = new Side(true, () -> PassProcess.java(WanPasses.class, javaArguments));
                Side peer = new Side(
                        false,
                        () -> PassProcess.python(
                                python, peerFolder, "bench.wan_bench", peerArguments(weights, input)))) {
            Path javaOutput = temporary.resolve("java.safetensors");
            Path peerOutput = temporary.resolve("peer.safetensors");
            for (int turn = 0; turn < turns; turn++) {
                gemm.measure();
                java.run(turn, javaOutput);
                if (!withoutPeer) {
                    peer.run(turn, peerOutput);
                }
            }
            report(java, gemm);
            if (withoutPeer) {
                return CommandLine.ExitCode.OK;
            }
            return reportPeer(java, peer, relativeDistance(javaOutput, peerOutput), type);
        }
    }

    private List<String> peerArguments(Path weights, Path input) {
        List<String> arguments = new ArrayList<>(List.of(
                "--part",
                part.toString(),
                "--model",
                weights.toAbsolutePath().toString(),
                "--input",
                input.toAbsolutePath().toString(),
                "--precision",
                precision,
                "--threads",
                Integer.toString(threads)));
        if (channelsLast) {
            arguments.add("--channels-last");
        }
        return arguments;
    }

    /** One side of the comparison. Its process is started when it is first needed. */
    private final class Side implements AutoCloseable {
        private final boolean countsOperations;
        private final Supplier<PassProcess> start;
        private final double[] seconds = new double[turns];
        private @Nullable PassProcess process;
        private String description = "";
        private long peakBytes;
        private long operations;

        Side(boolean countsOperations, Supplier<PassProcess> start) {
            this.countsOperations = countsOperations;
            this.start = start;
        }

        /** Runs a pass. The last turn writes its output to a file. */
        void run(int turn, Path output) throws InterruptedException {
            PassProcess running = process == null ? start.get() : process;
            process = running;
            description = running.description();
            Thread.sleep(PAUSE_MILLIS);
            boolean last = turn == turns - 1;
            seconds[turn] = last ? running.run(output) : running.run();
            if (!last || turns == 1) {
                // Keeping the output takes additional memory.
                peakBytes = Math.max(peakBytes, running.peakBytes());
            }
            operations = countsOperations ? running.operations() : 0;
            if (apart) {
                close();
            }
        }

        String memory() {
            return String.format(Locale.ROOT, "peak memory %.2f GB", peakBytes / 1e9);
        }

        Timings timings() {
            return new Timings(seconds);
        }

        @Override
        public void close() {
            if (process != null) {
                process.close();
                process = null;
            }
        }
    }

    private void report(Side java, GemmRate gemm) {
        PrintWriter out = spec.commandLine().getOut();
        out.println("Comparison with diffusers");
        out.println("machine           " + Machine.description());
        out.println("date              " + LocalDate.now());
        out.println("Java              " + java.description);
        out.printf(
                Locale.ROOT,
                "model             width %d, %d heads, %d blocks, feed-forward %d, autoencoder %d%n",
                model.width(),
                model.heads,
                model.layers,
                model.ffn,
                model.vaeWidth);
        out.printf(
                Locale.ROOT,
                "pass              %s, %s, %d frames, %s, %d threads, %.2f TFLOP%n",
                part,
                size,
                frames,
                precision,
                threads,
                java.operations / 1e12);
        double rate = java.operations / java.timings().median();
        out.printf(
                Locale.ROOT,
                "GEMM              %.0f GFLOP/s; Java computes at %.0f %% of this rate%n",
                gemm.median() / 1e9,
                100 * rate / gemm.median());
        out.println("Java              " + java.timings().report(java.operations) + ", " + java.memory());
        out.flush();
    }

    private int reportPeer(Side java, Side peer, double distance, DType type) {
        PrintWriter out = spec.commandLine().getOut();
        out.println("diffusers         " + peer.timings().report(java.operations) + ", " + peer.memory());
        out.println("                  " + peer.description);
        out.println("diffusers / Java  " + java.timings().ratios(peer.timings()));
        double tolerance = type == DType.F32 ? F32_TOLERANCE : BF16_TOLERANCE;
        boolean passed = distance <= tolerance;
        out.printf(
                Locale.ROOT,
                "outputs differ by %.1e (relative L2), at most %.0e allowed: %s%n",
                distance,
                tolerance,
                passed ? "passed" : "failed");
        out.flush();
        return passed ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }

    /** Returns the Euclidean distance of two outputs, relative to the length of the second. */
    private static double relativeDistance(Path output, Path reference) {
        try (SafetensorsFile first = SafetensorsFile.open(output);
                SafetensorsFile second = SafetensorsFile.open(reference)) {
            HostTensor a = first.tensor("output");
            HostTensor b = second.tensor("output");
            if (!a.shape().equals(b.shape())) {
                throw new IllegalStateException(
                        "outputs must have one shape, found " + a.shape() + " and " + b.shape());
            }
            double difference = 0;
            double length = 0;
            for (long i = 0; i < a.shape().elements(); i++) {
                double value = b.get(i);
                difference += (a.get(i) - value) * (a.get(i) - value);
                length += value * value;
            }
            return Math.sqrt(difference / length);
        }
    }

    /** Accepts the parts of a model by the names that they print as. */
    static final class PartConverter implements CommandLine.ITypeConverter<WanPasses.Part> {
        @Override
        public WanPasses.Part convert(String value) {
            for (WanPasses.Part each : WanPasses.Part.values()) {
                if (each.toString().equals(value)) {
                    return each;
                }
            }
            throw new CommandLine.TypeConversionException("part must be denoiser or decoder, found '" + value + "'");
        }
    }
}
