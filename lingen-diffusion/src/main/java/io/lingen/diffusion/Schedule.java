package io.lingen.diffusion;

import io.lingen.core.internal.SafeText;
import java.util.Locale;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/** The times at which a sampler evaluates the flow, from 0 (noise) to 1 (data) (specification, section 5). */
@FunctionalInterface
public interface Schedule {
    /** The names that {@link #named} accepts, for messages and help. */
    String NAMES = "linear_quadratic, uniform, shifted, shifted:S";

    /** The shift of the schedule "shifted". */
    double DEFAULT_SHIFT = 3;

    /**
     * {@return the times of n steps: n + 1 numbers, strictly increasing from 0 to 1}
     *
     * @param steps n, at least 1
     * @throws IllegalArgumentException if n is less than 1
     */
    double[] times(int steps);

    /**
     * {@return Movie Gen's schedule} The first n/2 steps (rounded down) are those of a uniform schedule of 250 steps. The others grow
     * quadratically to 1, with a continuous derivative. From 250 steps on the schedule is uniform.
     */
    static Schedule linearQuadratic() {
        return n -> {
            requireSteps(n);
            double slow = Math.max(250, n);
            int linear = n / 2;
            double quadratic = n - linear;
            // With L = linear, Q = quadratic: a = delta / (L Q^2) and delta / L = 1 - n / slow, also for L = 0.
            double a = (1 - n / slow) / (quadratic * quadratic);
            double b = 1 / slow - 2 * linear * a;
            double c = a * linear * linear;
            return times(n, i -> i < linear ? i / slow : a * i * i + b * i + c);
        };
    }

    /** {@return a schedule of equal steps} */
    static Schedule uniform() {
        return n -> {
            requireSteps(n);
            return times(n, i -> (double) i / n);
        };
    }

    /**
     * {@return equal steps of the noise level, shifted towards noise: t / (t + s (1 - t)) (Esser et al., 2024)}
     *
     * @param shift s, positive; 1 is uniform, larger values put more steps near the noise
     * @throws IllegalArgumentException if the shift is not a positive, finite number
     */
    static Schedule shifted(double shift) {
        if (!(shift > 0) || Double.isInfinite(shift)) {
            throw new IllegalArgumentException("shift of a schedule must be a positive number, found " + shift);
        }
        return n -> {
            requireSteps(n);
            return times(n, i -> {
                double t = (double) i / n;
                return t / (t + shift * (1 - t));
            });
        };
    }

    /**
     * {@return the schedule of a name: "linear_quadratic", "uniform", "shifted" (shift 3) or "shifted:S"}
     *
     * @param name the name, in any case, with '-' or '_'
     * @throws IllegalArgumentException with the known names
     */
    static Schedule named(String name) {
        String normalised = name.toLowerCase(Locale.ROOT).replace('-', '_');
        switch (normalised) {
            case "linear_quadratic":
                return linearQuadratic();
            case "uniform":
                return uniform();
            case "shifted":
                return shifted(DEFAULT_SHIFT);
            default:
                if (normalised.startsWith("shifted:")) {
                    try {
                        return shifted(Double.parseDouble(name.substring("shifted:".length())));
                    } catch (NumberFormatException e) {
                        throw new IllegalArgumentException(
                                "shift of a schedule must be a number, found '" + SafeText.of(name) + "'", e);
                    }
                }
                throw new IllegalArgumentException(
                        "schedule must be one of " + NAMES + ", found '" + SafeText.of(name) + "'");
        }
    }

    private static double[] times(int steps, IntToDoubleFunction time) {
        double[] times = IntStream.rangeClosed(0, steps).mapToDouble(time).toArray();
        // The ends are exact, independent of rounding.
        times[0] = 0;
        times[steps] = 1;
        return times;
    }

    private static void requireSteps(int steps) {
        if (steps < 1) {
            throw new IllegalArgumentException("steps of a schedule must be at least 1, found " + steps);
        }
    }
}
