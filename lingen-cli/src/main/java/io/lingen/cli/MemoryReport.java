package io.lingen.cli;

import io.lingen.MemoryEstimator;
import io.lingen.MemoryForecast;
import io.lingen.Offload;
import io.lingen.PipelineOptions;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoPlan;
import io.lingen.VideoRequest;
import io.lingen.core.accounting.HostMemory;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/** Prints the memory forecast of a video: its parts, its peak, and settings that fit if the video does not. */
final class MemoryReport {
    private MemoryReport() {}

    static void print(PrintWriter out, String model, VideoRequest request, PipelineOptions options) {
        VideoPlan plan = TextToVideoPipeline.plan(model, options, request);
        try (MemoryEstimator estimator = MemoryEstimator.of(model, options)) {
            MemoryForecast forecast = estimator.forecast(request);
            long available = HostMemory.availableBytes();
            if (options.offload() == Offload.AUTO && forecast.peakBytes() > available) {
                forecast = forecast.asOffloaded();
            }
            out.println();
            out.printf(
                    Locale.ROOT,
                    "Memory of a video of %dx%d, %s s (%d frames), in %s%n",
                    plan.format().width(),
                    plan.format().height(),
                    Progress.number(plan.seconds()),
                    plan.frames(),
                    options.precision().name().toLowerCase(Locale.ROOT));
            line(out, "program", forecast.program(), "Java, libraries and compiled code");
            line(out, "text", forecast.textEncoders(), "text encoders");
            line(out, "denoiser", forecast.denoiser(), "packed weights of the denoiser");
            line(out, "decoder", forecast.decoder(), "packed weights of the decoder");
            line(out, "loading", forecast.loading(), "additional, while loading");
            line(out, "denoising", forecast.denoising(), "additional, while sampling");
            line(out, "decoding", forecast.decoding(), "additional, while decoding and writing frames");
            line(
                    out,
                    "peak",
                    forecast.peakBytes(),
                    "of " + megabytes(available) + " available"
                            + (forecast.offloaded() ? "; denoiser and decoder are loaded alternately" : ""));
            if (forecast.peakBytes() > available) {
                List<String> settings = estimator.fittingSettings(request, available, MemoryForecast::peakBytes);
                out.println("  The video does not fit. "
                        + (settings.isEmpty()
                                ? "No smaller or shorter video fits either."
                                : "These settings fit: " + String.join(", or ", settings)));
            }
        }
    }

    private static void line(PrintWriter out, String name, long bytes, String what) {
        out.printf("  %-9s %9s  %s%n", name, megabytes(bytes), what);
    }

    private static String megabytes(long bytes) {
        return String.format(Locale.ROOT, "%d MB", Math.round(bytes / 1e6));
    }
}
