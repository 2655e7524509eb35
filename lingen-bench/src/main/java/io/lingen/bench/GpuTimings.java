package io.lingen.bench;

import io.lingen.core.BackendOptions;
import io.lingen.core.Backends;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.cuda.CudaBackend;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.diffusion.VideoTransformer;
import io.lingen.vae.FrameStream;
import io.lingen.vae.LatentVideoDecoder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Random;
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
    private static final int PASSES_OF_A_CLIP = 100;

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
            description = "A model folder: its decoder is timed, frames and all, at every length.")
    private @Nullable Path decode;

    @Option(
            names = "--architecture",
            defaultValue = "lingen",
            description = "lingen or dit: of the whole passes (default: ${DEFAULT-VALUE}).")
    private String architecture = "";

    @Override
    public Integer call() throws IOException {
        try (CudaBackend backend = (CudaBackend) Backends.create("cuda", BackendOptions.defaults())) {
            GpuClock clock = new GpuClock(backend.device(), repeats, 1e3 * limit);
            print("%s%n", backend.description());
            if (!passesOnly) {
                kernels(backend, clock);
            }
            if (model != null) {
                passes(backend, clock, model);
            }
            if (decode != null) {
                decodings(backend, clock, decode);
            }
        }
        return CommandLine.ExitCode.OK;
    }

    private void kernels(CudaBackend backend, GpuClock clock) {
        GpuCeilings ceilings = GpuCeilings.measure(backend, clock, hidden < 512);
        print(
                "ceilings: copy %.2f TB/s, BF16 product %.0f TFLOP/s%n",
                ceilings.bytesPerSecond() / 1e12, ceilings.operationsPerSecond() / 1e12);
        print("%-32s %10s %10s %8s  %s%n", "kernel", "ms", "floor ms", "of floor", "bound by");
        try (Workspace workspace = backend.newWorkspace()) {
            Workload workload = Workload.of("lingen", size, seconds.get(0), hidden, depth);
            for (GpuCase each : new GpuKernels(backend, workspace, workload).cases()) {
                double millis = clock.millis(each.work());
                double floor = each.floorMillis(ceilings);
                print(
                        "%-32s %10.3f %10.3f %7.0f%%  %s%n",
                        each.name(), millis, floor, 100 * floor / millis, each.bound(ceilings));
            }
        }
    }

    private void passes(CudaBackend backend, GpuClock clock, Path folder) throws IOException {
        int longest = seconds.stream().mapToInt(Integer::intValue).max().orElseThrow();
        RandomTransformer.write(folder, Workload.of(architecture, size, longest, hidden, depth), 1, DType.BF16);
        try (ModelSource source = ModelSource.of(folder);
                Denoiser denoiser = VideoTransformer.load(source, "transformer", backend, DType.BF16)) {
            print(
                    "%-32s %10s %14s %11s %11s %11s %11s%n",
                    "pass", "ms", "100 passes s", "tensors GB", "in use GB", "held GB", "driver's GB");
            for (int length : seconds) {
                pass(backend, clock, denoiser, Workload.of(architecture, size, length, hidden, depth));
            }
        }
    }

    private void pass(CudaBackend backend, GpuClock clock, Denoiser denoiser, Workload workload) {
        backend.memory().resetPeak();
        backend.pool().resetPeak();
        float[] text = new float[Workload.TEXT_TOKENS * Workload.TEXT_WIDTH];
        Random random = new Random(1);
        for (int i = 0; i < text.length; i++) {
            text[i] = (float) random.nextGaussian();
        }
        TextEmbedding prompt = new TextEmbedding(HostTensor.of(text, Workload.TEXT_TOKENS, Workload.TEXT_WIDTH), null);
        try (Workspace workspace = backend.newWorkspace();
                Conditioning conditioning = denoiser.condition(List.of(prompt))) {
            Tensor latent = workspace.allocate(DType.F32, workload.latent());
            backend.normal(1, latent);
            Tensor velocity = workspace.allocate(DType.F32, workload.latent());
            double millis = clock.millis(() -> denoiser.velocity(latent, 0.5, conditioning, velocity));
            Results.requireSound("velocity", backend.download(velocity));
            long total = backend.device().facts().totalBytes();
            print(
                    "%-32s %10.1f %14.1f %11.2f %11.2f %11.2f %11.2f%n",
                    architecture + " " + size + " " + workload.seconds() + " s",
                    millis,
                    millis * PASSES_OF_A_CLIP / 1e3,
                    backend.memory().peakBytes() / 1e9,
                    backend.pool().mostUsedBytes() / 1e9,
                    backend.pool().peakBytes() / 1e9,
                    (total - backend.device().freeBytes()) / 1e9);
        }
    }

    private void decodings(CudaBackend backend, GpuClock clock, Path folder) {
        print("%-32s %10s %10s %12s%n", "decoding", "ms", "frames", "peak GB");
        try (ModelSource source = ModelSource.of(folder);
                LatentVideoDecoder decoder = LatentVideoDecoder.load(source, "vae", backend, DType.BF16);
                Workspace workspace = backend.newWorkspace()) {
            for (int length : seconds) {
                backend.memory().resetPeak();
                Tensor latent = workspace.allocate(DType.F32, Workload.latent(decoder.config(), size, length));
                backend.normal(1, latent);
                int[] frames = new int[1];
                double millis = clock.millis(() -> frames[0] = countFrames(decoder, latent));
                print(
                        "%-32s %10.1f %10d %12.2f%n",
                        size + " " + length + " s",
                        millis,
                        frames[0],
                        backend.memory().peakBytes() / 1e9);
            }
        }
    }

    /** Decodes to the last frame, every one of them brought to the host. */
    private static int countFrames(LatentVideoDecoder decoder, Tensor latent) {
        int count = 0;
        try (FrameStream stream = decoder.frames(latent)) {
            for (; stream.hasNext(); count++) {
                HostTensor frame = stream.nextValues();
                if (count == 0) {
                    Results.requireSound("frame", frame);
                }
            }
        }
        return count;
    }

    private static void print(String format, Object... values) {
        System.out.printf(Locale.ROOT, format, values);
    }
}
