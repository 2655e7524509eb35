package io.lingen.cli;

import io.lingen.spi.ModelDescription;
import io.lingen.spi.SamplingSettings;
import io.lingen.spi.SizeRule;
import io.lingen.spi.VideoLimits;
import java.io.PrintWriter;
import java.util.Locale;

/** Describes a model: its parts, its defaults and the sizes it makes. */
final class ModelReport {
    private ModelReport() {}

    static void print(PrintWriter out, String name, ModelDescription model) {
        VideoLimits limits = model.limits();
        out.println("Model " + name);
        model.facts().forEach(fact -> line(out, fact.name(), fact.text()));
        SamplingSettings sampling = limits.sampling();
        line(
                out,
                "sampler",
                String.format(
                        Locale.ROOT,
                        "%s, %d steps, guidance %s%s",
                        sampling.schedule(),
                        sampling.steps(),
                        Progress.number(sampling.guidance()),
                        sampling.eta() == 0 ? "" : ", eta " + Progress.number(sampling.eta())));
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
        line(
                out,
                "makes",
                "widths in steps of " + sizes(limits.width()) + ", heights of " + sizes(limits.height())
                        + ", frames of " + sizes(limits.frames()));
        if (limits.labels() > 0) {
            line(out, "classes", limits.labels() + ", labels from 0" + (limits.prompts() ? "; or a prompt" : ""));
        }
    }

    /** "32 up to 512", or "4 from 1 up to 81". */
    private static String sizes(SizeRule rule) {
        return rule.step() + (rule.first() == rule.step() ? "" : " from " + rule.first()) + " up to " + rule.last();
    }

    static void line(PrintWriter out, String name, String value) {
        out.printf("  %-9s %s%n", name, value);
    }
}
