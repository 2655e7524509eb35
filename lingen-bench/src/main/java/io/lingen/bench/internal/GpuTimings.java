package io.lingen.bench.internal;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.cuda.internal.backend.CudaKernels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lingen bench gpu}: every kernel of a block beside its floor, and whole passes, on the machine's GPU. Part of gpu-check. */
@Command(
        name = "gpu",
        mixinStandardHelpOptions = true,
        description =
                "Measures the backend cuda: each kernel beside its floor, and whole denoiser passes with random weights.")
public final class GpuTimings implements Callable<Integer> {
    private static final String PAPER = "paper";

    @Option(names = "--hidden", defaultValue = "2560", description = "d (default: ${DEFAULT-VALUE}).")
    private int hidden;

    @Option(names = "--depth", defaultValue = "28", description = "Blocks (default: ${DEFAULT-VALUE}).")
    private int depth;

    @Option(names = "--size", defaultValue = "512x512", description = "The clip's (default: ${DEFAULT-VALUE}).")
    private String size = "";

    @Option(names = "--seconds", defaultValue = "17", split = ",", description = "Lengths (default: ${DEFAULT-VALUE}).")
    private List<Integer> seconds = List.of();

    @Option(names = "--repeats", defaultValue = "7", description = "Runs per figure, the median counts.")
    private int repeats;

    @Option(
            names = "--limit",
            paramLabel = "SECONDS",
            defaultValue = "60",
            description = "No run of a figure starts after so much time in its runs (default: ${DEFAULT-VALUE}).")
    private double limit;

    @Option(
            names = "--only",
            paramLabel = "PART",
            split = ",",
            description = "Of the kernels those whose names contain one of these.")
    private List<String> only = List.of("");

    @Option(names = "--passes-only", description = "Without the kernels: the whole passes of --model only.")
    private boolean passesOnly;

    @Option(
            names = "--model",
            paramLabel = "DIR",
            description = "Where the random model is written; none: kernels only.")
    private @Nullable Path model;

    @Option(
            names = "--decode",
            paramLabel = "DIR",
            description = "A model folder: its decoder is timed, frames and all, at every length. " + PAPER
                    + ": random weights of the paper's size, in the folder of --model.")
    private @Nullable Path decode;

    @Option(
            names = "--shares",
            description =
                    "Passes of four blocks without each of MA, TESA, RMS and review tokens, beside the paper's shares.")
    private boolean shares;

    @Option(
            names = "--clip",
            description = "One whole clip of the first length, 50 steps with guidance, decoded by --decode's decoder.")
    private boolean clip;

    @Option(
            names = "--architecture",
            defaultValue = "lingen",
            description = "lingen or dit: of the whole passes (default: ${DEFAULT-VALUE}).")
    private String architecture = "";

    @Override
    public Integer call() throws IOException {
        try (Backend backend = Backends.create("cuda", BackendOptions.defaults())) {
            GpuClock clock = new GpuClock(CudaKernels.of(backend).device(), repeats, 1e3 * limit);
            print("%s%n", backend.description());
            print("%.2f GB are taken before anything is allocated%n", GpuPasses.driverBytes(backend) / 1e9);
            if (!passesOnly) {
                kernels(backend, clock);
            }
            if (shares) {
                GpuShares.time(backend, clock, folder(), Workload.of("lingen", size, seconds.get(0), hidden, depth));
            }
            if (model != null) {
                List<Workload> clips = seconds.stream()
                        .map(length -> Workload.of(architecture, size, length, hidden, depth))
                        .toList();
                GpuPasses.time(backend, clock, model, clips);
            }
            if (decode != null || clip) {
                decodings(backend, clock, decoder());
            }
        }
        return CommandLine.ExitCode.OK;
    }

    private void decodings(Backend backend, GpuClock clock, Path decoder) throws IOException {
        if (decode != null) {
            GpuDecodings.time(backend, clock, decoder, size, seconds);
        }
        if (clip) {
            GpuClip.make(backend, folder(), decoder, Workload.of(architecture, size, seconds.get(0), hidden, depth));
        }
    }

    private Path folder() {
        if (model == null) {
            throw new IllegalArgumentException(
                    "--model: a folder for random weights is needed with --shares, --clip and" + " --decode " + PAPER);
        }
        return model;
    }

    /** The model folder of the decoder, which is written if it is the paper's. */
    private Path decoder() throws IOException {
        if (decode != null && !decode.toString().equals(PAPER)) {
            return decode;
        }
        Path folder = folder().resolve(PAPER);
        RandomDecoder.write(folder, 1, DType.BF16);
        return folder;
    }

    private void kernels(Backend backend, GpuClock clock) {
        GpuCeilings ceilings = GpuCeilings.measure(backend, clock, hidden < 512);
        print(
                "ceilings: copy %.2f TB/s, BF16 product %.0f TFLOP/s%n",
                ceilings.bytesPerSecond() / 1e12, ceilings.operationsPerSecond() / 1e12);
        print("%-32s %10s %10s %8s  %s%n", "kernel", "ms", "floor ms", "of floor", "bound by");
        try (Workspace workspace = backend.newWorkspace()) {
            Workload workload = Workload.of("lingen", size, seconds.get(0), hidden, depth);
            for (GpuCase each : new GpuKernels(backend, workspace, workload).cases()) {
                if (only.stream().noneMatch(each.name()::contains)) {
                    continue;
                }
                double millis = clock.millis(each.work());
                double floor = each.floorMillis(ceilings);
                print(
                        "%-32s %10.3f %10.3f %7.0f%%  %s%n",
                        each.name(), millis, floor, 100 * floor / millis, each.bound(ceilings));
            }
        }
    }

    static void print(String format, Object... values) {
        System.out.printf(Locale.ROOT, format, values);
    }
}
