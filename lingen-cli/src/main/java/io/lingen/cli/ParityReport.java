package io.lingen.cli;

import io.lingen.core.checkpoint.NamedTensors;
import io.lingen.core.internal.SafeText;
import io.lingen.diffusion.ParityCheck.Comparison;
import io.lingen.diffusion.ParityCheck.Result;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The table of a parity check: a line for each comparison, and the verdict. */
final class ParityReport {
    private final PrintWriter out;
    private final int width;
    private final Map<String, String> skipped = new LinkedHashMap<>();
    private final Map<String, Double> tolerances = new LinkedHashMap<>();
    private final Set<String> failedParts = new LinkedHashSet<>();
    private int comparisons;
    private int beyond;
    private @Nullable String firstBeyond;

    /** Prints the header of the table. */
    ParityReport(PrintWriter out, NamedTensors fixture) {
        this.out = out;
        this.width = fixture.names().stream().mapToInt(String::length).max().orElse(0);
        out.printf("%-" + width + "s  %12s  %12s%n", "tensor", "max abs", "relative L2");
    }

    /** Prints the comparisons of a part. */
    void add(String part, double tolerance, Result result) {
        tolerances.put(part, tolerance);
        for (Comparison comparison : result.comparisons()) {
            comparisons++;
            boolean within = comparison.isWithin(tolerance);
            if (!within) {
                beyond++;
                firstBeyond = firstBeyond == null ? comparison.name() : firstBeyond;
            }
            String name = quoted(comparison.name());
            if (comparison.obstacle() != null) {
                out.printf("%-" + width + "s  %s%n", name, quoted(comparison.obstacle()));
            } else {
                out.printf(
                        Locale.ROOT,
                        "%-" + width + "s  %12.3e  %12.3e%s%n",
                        name,
                        comparison.maxAbsoluteError(),
                        comparison.relativeError(),
                        within ? "" : "  beyond the tolerance");
            }
        }
        skip(result.skipped());
        out.flush();
    }

    /** Records parts or tensors that were not checked. */
    void skip(Map<String, String> reasons) {
        skipped.putAll(reasons);
    }

    /** Records a part that could not be run. */
    void fail(String part) {
        failedParts.add(part);
    }

    boolean hasErrors() {
        return !failedParts.isEmpty();
    }

    /** Prints what was skipped and the verdict; returns whether the check is passed. */
    boolean end() {
        skipped.forEach((name, reason) -> out.println("skipped " + quoted(name) + ": " + reason));
        boolean passed = beyond == 0 && failedParts.isEmpty() && comparisons > 0;
        out.println((passed ? "passed" : "failed") + ": " + verdict());
        out.flush();
        return passed;
    }

    private String verdict() {
        List<String> findings = new ArrayList<>();
        if (comparisons > 0) {
            findings.add("tolerance " + tolerances());
        }
        if (firstBeyond != null) {
            findings.add(beyond + " of " + comparisons + " tensors are beyond it, the first is " + quoted(firstBeyond));
        }
        if (!failedParts.isEmpty()) {
            findings.add("errors in " + String.join(", ", failedParts));
        }
        return findings.isEmpty() ? "nothing was compared" : String.join("; ", findings);
    }

    /** The tolerance of the first part, then those of the parts that have another one. */
    private String tolerances() {
        double first = tolerances.values().iterator().next();
        StringBuilder text = new StringBuilder(text(first));
        tolerances.forEach((part, tolerance) -> {
            if (tolerance != first) {
                text.append(", ").append(part).append(' ').append(text(tolerance));
            }
        });
        return text.toString();
    }

    private static String text(double tolerance) {
        return String.format(Locale.ROOT, "%.1e", tolerance);
    }

    private static String quoted(String text) {
        return SafeText.of(text, Integer.MAX_VALUE);
    }
}
