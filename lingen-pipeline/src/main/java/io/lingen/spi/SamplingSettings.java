package io.lingen.spi;

/**
 * The settings of a sampler.
 *
 * @param schedule the name of a timestep schedule of the model's family
 * @param steps the number of steps, 1 to {@value #MAX_STEPS}
 * @param guidance the scale of classifier-free guidance, 0 to {@value #MAX_GUIDANCE}; 1 disables it
 * @param eta the fraction of the noise that a step renews, 0 to 1
 */
public record SamplingSettings(String schedule, int steps, double guidance, double eta) {
    /** The largest number of steps. */
    public static final int MAX_STEPS = 10_000;

    /** The largest guidance scale. */
    public static final int MAX_GUIDANCE = 100;
}
