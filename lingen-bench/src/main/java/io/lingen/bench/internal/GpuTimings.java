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

/**
 * The command {@code lingen bench gpu}. It measures the kernels of a block, and compares them with their roofline times. It also measures
 * complete passes, decoding and clips. It is part of gpu-check.
 */
@Command(
        name = "gpu",
        mixinStandardHelpOptions = true,
        description =
                "Measure the backend cuda: each kernel next to its roofline, the shortest time that the GPU allows, and passes"
                        + " of a denoiser with random weights.")
public final class GpuTimings implements Callable<Integer> {
    private static final String PAPER = "paper";

    @Option(
            names = "--hidden",
            paramLabel = "N",
            defaultValue = "2560",
            description = "Hidden size of the denoiser, a multiple of 32 (default: ${DEFAULT-VALUE}).")
    private int hidden;

    @Option(
            names = "--depth",
            paramLabel = "N",
            defaultValue = "28",
            description = "Number of blocks of the denoiser (default: ${DEFAULT-VALUE}).")
    private int depth;

    @Option(
            names = "--size",
            paramLabel = "WxH",
            defaultValue = "512x512",
            description = "Width and height in pixels, multiples of 16 (default: ${DEFAULT-VALUE}).")
    private String size = "";

    @Option(
            names = "--seconds",
            paramLabel = "N",
            defaultValue = "17",
            split = ",",
            description = "Lengths of the clips in seconds, separated by commas (default: ${DEFAULT-VALUE}).")
    private List<Integer> seconds = List.of();

    @Option(
            names = "--repeats",
            paramLabel = "N",
            defaultValue = "7",
            description = "Number of runs per measurement; their median is printed (default: ${DEFAULT-VALUE}).")
    private int repeats;

    @Option(
            names = "--limit",
            paramLabel = "SECONDS",
            defaultValue = "60",
            description =
                    "Time limit of a measurement, after which it starts no further run (default: ${DEFAULT-VALUE}).")
    private double limit;

    @Option(
            names = "--only",
            paramLabel = "TEXT",
            split = ",",
            description =
                    "Measure only kernels whose names contain TEXT; several texts are separated by commas (default: all"
                            + " kernels).")
    private List<String> only = List.of("");

    @Option(names = "--passes-only", description = "Do not measure kernels.")
    private boolean passesOnly;

    @Option(
            names = "--model",
            paramLabel = "DIR",
            description =
                    "Measure passes of a model with random weights, which is written to this folder. It must be empty or from an"
                            + " earlier run (default: measure no passes).")
    private @Nullable Path model;

    @Option(
            names = "--decode",
            paramLabel = "DIR",
            description =
                    "Measure the decoder of a model folder for every length. " + PAPER
                            + " is a decoder of the paper's size with random weights, which is written to the folder of --model.")
    private @Nullable Path decode;

    @Option(
            names = "--ablation",
            description =
                    "Also measure passes of four blocks without the MA-branch, TESA, the Rotary-Major Scan or review tokens,"
                            + " one at a time. Needs --model.")
    private boolean ablation;

    @Option(
            names = "--clip",
            description =
                    "Also measure a complete clip of the first length: 50 steps with guidance, and the decoder of --decode."
                            + " Needs --model.")
    private boolean clip;

    @Option(
            names = "--architecture",
            defaultValue = "lingen",
            paramLabel = "lingen|dit",
            description = "Architecture of the denoiser (default: ${DEFAULT-VALUE}).")
    private String architecture = "";

    /** Creates the command. */
    public GpuTimings() {}

    @Override
    public Integer call() throws IOException {
        try (Backend backend = Backends.create("cuda", BackendOptions.defaults())) {
            GpuTimer timer = new GpuTimer(CudaKernels.of(backend).device(), repeats, 1e3 * limit);
            print("%s%n", backend.description());
            print(
                    "device memory in use before the first allocation: %.2f GB%n",
                    GpuPasses.usedDeviceBytes(backend) / 1e9);
            if (!passesOnly) {
                kernels(backend, timer);
            }
            if (ablation) {
                GpuAblation.time(backend, timer, folder(), Workload.of("lingen", size, seconds.get(0), hidden, depth));
            }
            if (model != null) {
                List<Workload> clips = seconds.stream()
                        .map(length -> Workload.of(architecture, size, length, hidden, depth))
                        .toList();
                GpuPasses.time(backend, timer, model, clips);
            }
            if (decode != null || clip) {
                decodeClips(backend, timer, decoder());
            }
        }
        return CommandLine.ExitCode.OK;
    }

    private void decodeClips(Backend backend, GpuTimer timer, Path decoder) throws IOException {
        if (decode != null) {
            GpuDecoder.time(backend, timer, decoder, size, seconds);
        }
        if (clip) {
            GpuClip.generate(
                    backend, folder(), decoder, Workload.of(architecture, size, seconds.get(0), hidden, depth));
        }
    }

    private Path folder() {
        if (model == null) {
            throw new IllegalArgumentException(
                    "--model must be set with --ablation, --clip and --decode " + PAPER + ", found none");
        }
        return model;
    }

    /** Returns the model folder of the decoder. The decoder of the paper's size is written first. */
    private Path decoder() throws IOException {
        if (decode != null && !decode.toString().equals(PAPER)) {
            return decode;
        }
        Path folder = folder().resolve(PAPER);
        RandomDecoder.write(folder, 1, DType.BF16);
        return folder;
    }

    private void kernels(Backend backend, GpuTimer timer) {
        GpuCeilings ceilings = GpuCeilings.measure(backend, timer, hidden < 512);
        print(
                "peak rates: copy %.2f TB/s, BF16 GEMM %.0f TFLOP/s%n",
                ceilings.bytesPerSecond() / 1e12, ceilings.operationsPerSecond() / 1e12);
        print("%-32s %10s %12s %10s  %s%n", "kernel", "ms", "roofline ms", "efficiency", "bound");
        try (Workspace workspace = backend.newWorkspace()) {
            Workload workload = Workload.of("lingen", size, seconds.get(0), hidden, depth);
            for (GpuCase each : new GpuKernels(backend, workspace, workload).cases()) {
                if (only.stream().noneMatch(each.name()::contains)) {
                    continue;
                }
                double millis = timer.millis(each.work());
                double roofline = each.rooflineMillis(ceilings);
                print(
                        "%-32s %10.3f %12.3f %9.0f%%  %s%n",
                        each.name(), millis, roofline, 100 * roofline / millis, each.bound(ceilings));
            }
        }
    }

    static void print(String format, Object... values) {
        System.out.printf(Locale.ROOT, format, values);
    }
}
