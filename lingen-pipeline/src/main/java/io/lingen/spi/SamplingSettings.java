package io.lingen.spi;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The complete settings of a sampler. Immutable.
 *
 * @param sampler the name of a sampler of the model
 * @param schedule the name of a timestep schedule; null for a sampler without schedules
 * @param shift the shift of the noise levels towards the noise, above 0 and at most {@value #MAX_SHIFT}; null for a sampler without a shift,
 *     and with times
 * @param times the time of the denoiser in every step, in decreasing order; empty if the sampler computes them
 * @param steps the number of steps, 1 to {@value #MAX_STEPS}
 * @param guidance the scale of classifier-free guidance, 0 to {@value #MAX_GUIDANCE}; 1 disables it
 * @param eta the fraction of the noise that a step renews, 0 to 1
 */
public record SamplingSettings(
        String sampler,
        @Nullable String schedule,
        @Nullable Double shift,
        List<Double> times,
        int steps,
        double guidance,
        double eta) {
    /** The name of the sampler of LinGen models: Euler's method on a rectified flow, with a schedule and eta. */
    public static final String RECTIFIED_FLOW = "rectified_flow";

    /** The largest number of steps. */
    public static final int MAX_STEPS = 10_000;

    /** The largest number of times. */
    public static final int MAX_TIMES = 1000;

    /** The largest shift. */
    public static final int MAX_SHIFT = 1000;

    /** The largest guidance scale. */
    public static final int MAX_GUIDANCE = 100;

    /**
     * Checks that times agree with the other components, and copies them.
     *
     * @throws IllegalArgumentException if there are times and a shift, or times for another number of steps
     */
    public SamplingSettings {
        times = List.copyOf(times);
        if (!times.isEmpty() && (steps != times.size() || shift != null)) {
            throw new IllegalArgumentException("sampler with " + times.size()
                    + " times must have as many steps and no shift, found " + steps + " steps and the shift " + shift);
        }
    }
}
