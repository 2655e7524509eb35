package io.lingen.bench.internal;

import java.util.Arrays;
import java.util.Locale;

/**
 * The times of repeated runs of one side of a comparison.
 *
 * @param seconds the time of each run, in order
 */
record Timings(double[] seconds) {
    /** Returns the middle value, or the mean of the two middle values. */
    static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }

    double median() {
        return median(seconds);
    }

    /** Returns median, extremes and the rate of operations, for a report. */
    String report(long operations) {
        return String.format(
                Locale.ROOT,
                "median %.1f ms, minimum %.1f ms, maximum %.1f ms, %.0f GFLOP/s",
                1e3 * median(),
                1e3 * Arrays.stream(seconds).min().orElseThrow(),
                1e3 * Arrays.stream(seconds).max().orElseThrow(),
                operations / 1e9 / median());
    }

    /** Returns the times of another side divided by these, turn by turn: median and extremes, for a report. */
    String ratios(Timings other) {
        double[] ratios = new double[seconds.length];
        for (int turn = 0; turn < seconds.length; turn++) {
            ratios[turn] = other.seconds[turn] / seconds[turn];
        }
        return String.format(
                Locale.ROOT,
                "%.2f (median of %d turns, %.2f to %.2f)",
                median(ratios),
                ratios.length,
                Arrays.stream(ratios).min().orElseThrow(),
                Arrays.stream(ratios).max().orElseThrow());
    }
}
