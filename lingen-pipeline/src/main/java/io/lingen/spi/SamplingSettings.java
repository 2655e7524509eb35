package io.lingen.spi;

/**
 * How a video is sampled.
 *
 * @param schedule the name of the sampler's schedule, as the model's family knows it
 * @param steps of the sampler, 1 to {@value #MAX_STEPS}
 * @param guidance the scale of classifier-free guidance, 0 to {@value #MAX_GUIDANCE}; 1 is none
 * @param eta how much of its noise a step renews, 0 to 1
 */
public record SamplingSettings(String schedule, int steps, double guidance, double eta) {
    /** The most steps of a sampler. */
    public static final int MAX_STEPS = 10_000;

    /** The largest scale of guidance. */
    public static final int MAX_GUIDANCE = 100;
}
