package io.lingen.core.internal;

/** SplitMix64 (Steele et al., "Fast splittable pseudorandom number generators", OOPSLA 2014), which derives the seeds of a run's steps. */
public final class SplitMix64 {
    private SplitMix64() {}

    /**
     * {@return an output of the generator, by its number}
     *
     * @param seed the initial state
     * @param index the number of the output, from 0
     */
    public static long output(long seed, int index) {
        long z = seed + (index + 1) * 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
