package io.lingen.cli;

import io.lingen.spi.MissingFiles;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.SamplingSettings;
import io.lingen.spi.VideoLimits;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.stream.Collectors;

/** Prints a description of a model: its components, its defaults and its limits. */
final class ModelReport {
    private ModelReport() {}

    /** Prints a description, with the files that are missing in place of defaults and limits; returns whether there are none. */
    static boolean print(PrintWriter out, String name, ModelDescription model) {
        MissingFiles missing = model.missingFiles();
        out.println("Model " + name);
        model.facts().forEach(fact -> line(out, fact.name(), fact.text()));
        if (!missing.isEmpty()) {
            line(out, "missing", String.join(", ", missing.paths()));
            line(out, "", missing.remedy());
            return false;
        }
        printLimits(out, model.limits());
        return true;
    }

    private static void printLimits(PrintWriter out, VideoLimits limits) {
        String label = "sampler";
        for (SamplingSettings sampler : limits.samplers()) {
            line(out, label, sampling(sampler));
            label = "";
        }
        VideoLimits.NativeSize size = limits.nativeSize();
        if (size != null) {
            line(
                    out,
                    "native",
                    String.format(
                            Locale.ROOT,
                            "%dx%d, %s s at %d fps",
                            size.width(),
                            size.height(),
                            Progress.number(size.seconds()),
                            limits.fps()));
        }
        line(out, "width", limits.width().toString());
        line(out, "height", limits.height().toString());
        line(out, "frames", limits.frames().toString());
        if (limits.labels() > 0) {
            line(out, "labels", "0 to " + (limits.labels() - 1) + (limits.prompts() ? ", in place of a prompt" : ""));
        }
    }

    /** "rectified_flow, shifted:6, 25 steps, guidance 3, eta 1", or "dmd, 3 steps at 1000, 757, 522, guidance 1". */
    static String sampling(SamplingSettings settings) {
        StringBuilder text = new StringBuilder(settings.sampler());
        if (settings.schedule() != null) {
            text.append(", ").append(settings.schedule());
        }
        if (settings.shift() != null) {
            text.append(", shift ").append(Progress.number(settings.shift()));
        }
        text.append(", ").append(settings.steps()).append(settings.steps() == 1 ? " step" : " steps");
        if (!settings.times().isEmpty()) {
            text.append(" at ")
                    .append(settings.times().stream().map(Progress::number).collect(Collectors.joining(", ")));
        }
        text.append(", guidance ").append(Progress.number(settings.guidance()));
        if (settings.eta() != 0) {
            text.append(", eta ").append(Progress.number(settings.eta()));
        }
        return text.toString();
    }

    static void line(PrintWriter out, String name, String value) {
        out.printf("  %-9s %s%n", name, value);
    }
}
