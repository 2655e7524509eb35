package io.lingen.bench.internal;

import io.lingen.MemoryEstimator;
import io.lingen.MemoryForecast;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * The command {@code lingen bench wan-memory}. It compares the forecast memory of a video with the peak of a process that makes it, for a
 * Wan model with random weights. The text encoder has two layers of the published size: its layers are read one at a time.
 */
@Command(
        name = "wan-memory",
        mixinStandardHelpOptions = true,
        description = "Compare the memory forecast of a video of Wan with the measured peak, on random weights.")
public final class WanMemory implements Callable<Integer> {
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
            names = "--decode",
            paramLabel = "N",
            description = "Decode only the first N frames (default: all, and write the video).")
    @Nullable
    Integer decoded;

    @Option(
            names = "--steps",
            paramLabel = "N",
            defaultValue = "2",
            description = "Number of sampling steps (default: ${DEFAULT-VALUE}).")
    int steps;

    @Option(
            names = "--guidance",
            paramLabel = "SCALE",
            defaultValue = "5",
            description =
                    "Scale of guidance; 1 disables it and takes one pass per step instead of two (default: ${DEFAULT-VALUE}).")
    double guidance;

    @Option(
            names = "--precision",
            paramLabel = "f32|bf16",
            defaultValue = "bf16",
            description = "Precision of matrix products and activations (default: ${DEFAULT-VALUE}).")
    String precision = "";

    @Option(
            names = "--backend",
            paramLabel = "NAME",
            defaultValue = "cpu",
            description = "Compute backend (default: ${DEFAULT-VALUE}).")
    String backend = "";

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "2",
            description = "Number of CPU threads (default: ${DEFAULT-VALUE}).")
    int threads;

    @Option(
            names = "--offload",
            paramLabel = "none|parts",
            defaultValue = "none",
            description = "Whether denoiser and decoder are loaded alternately (default: ${DEFAULT-VALUE}).")
    String offload = "";

    @Option(
            names = "--tolerance",
            paramLabel = "PERCENT",
            defaultValue = "15",
            description = "Largest accepted error of the forecast (default: ${DEFAULT-VALUE}).")
    double tolerance;

    @Option(
            names = "--model",
            paramLabel = "DIR",
            description =
                    "Folder for the random weights, which later runs then use again (default: a temporary folder).")
    @Nullable
    Path folder;

    @Mixin
    WanSize model;

    @Spec
    CommandSpec spec;

    /** Creates the command. */
    public WanMemory() {}

    @Override
    public Integer call() throws IOException {
        WanSize.latent(size, frames);
        Path temporary = Files.createTempDirectory("lingen-wan");
        try {
            Path weights = folder == null ? temporary.resolve("model") : folder;
            new RandomWan(weights, model).writeAll();
            MemoryForecast forecast;
            try (MemoryEstimator estimator =
                    MemoryEstimator.of(weights.toString(), WanVideo.options(backend, precision, threads, offload))) {
                forecast = estimator.forecast(WanVideo.request(size, frames, steps, guidance));
            }
            List<String> arguments = List.of(
                    weights.toString(),
                    backend,
                    precision,
                    Integer.toString(threads),
                    offload,
                    size,
                    Integer.toString(frames),
                    Integer.toString(steps),
                    Double.toString(guidance),
                    Integer.toString(decoded == null ? frames : decoded),
                    temporary.resolve("video.mp4").toString());
            try (PassProcess process = PassProcess.java(WanVideo.class, arguments)) {
                double seconds = process.run();
                return report(forecast, process.peakBytes(), seconds);
            }
        } finally {
            TemporaryFolder.delete(temporary);
        }
    }

    private int report(MemoryForecast forecast, long peak, double seconds) {
        PrintWriter out = spec.commandLine().getOut();
        out.println("machine           " + Machine.description());
        out.printf(
                Locale.ROOT,
                "video             %s, %d frames, %s decoded, %d steps, guidance %.1f, %s, %d threads, offload %s: %.1f s%n",
                size,
                frames,
                decoded == null ? "all" : decoded,
                steps,
                guidance,
                precision,
                threads,
                offload,
                seconds);
        out.printf(
                Locale.ROOT,
                "forecast          %.2f GB: program %.2f, text %.2f, denoiser %.2f, decoder %.2f, and the largest of loading"
                        + " %.2f, denoising %.2f, decoding %.2f%n",
                forecast.peakBytes() / 1e9,
                forecast.program() / 1e9,
                forecast.textEncoders() / 1e9,
                forecast.denoiser() / 1e9,
                forecast.decoder() / 1e9,
                forecast.loading() / 1e9,
                forecast.denoising() / 1e9,
                forecast.decoding() / 1e9);
        double error = 100.0 * (forecast.peakBytes() - peak) / peak;
        boolean passed = Math.abs(error) <= tolerance;
        out.printf(
                Locale.ROOT,
                "measured peak     %.2f GB; the forecast is off by %+.1f %%, at most %.0f %% allowed: %s%n",
                peak / 1e9,
                error,
                tolerance,
                passed ? "passed" : "failed");
        out.flush();
        return passed ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }
}
