package io.lingen.diffusion.internal.sampler;

import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.internal.SplitMix64;

/** A source of the fresh noise of a sampler's steps. */
@FunctionalInterface
public interface StepNoise {
    /**
     * Writes standard normal noise, a function of the step alone.
     *
     * @param step from 0
     * @param out overwritten
     */
    void write(int step, Tensor out);

    /**
     * {@return noise of a seed} It differs from the noise that {@code backend.normal} makes of the same seed.
     *
     * @param backend the backend of the noise
     * @param seed the seed
     */
    static StepNoise ofSeed(Backend backend, long seed) {
        return (step, out) -> backend.normal(SplitMix64.output(seed, step), out);
    }
}
