package io.lingen.diffusion;

import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import java.util.Map;

/**
 * A method that moves a latent from noise to data in steps, each with one evaluation of a {@link DenoisingFunction}. It is independent of
 * the model and the backend. Immutable, thread-safe: the state of a video belongs to its {@link Sampling}.
 */
public interface Sampler {
    /** {@return the number of steps} */
    int steps();

    /**
     * Writes the latent that the first step starts from.
     *
     * @param seed the seed of the noise; equal seeds give equal noise on every backend
     * @param latent F32, overwritten
     */
    void start(long seed, Tensor latent);

    /**
     * Returns an iterator that takes all steps.
     *
     * @param function the function that computes the predictions
     * @param latent the initial latent, F32; updated in place
     * @return the iterator, to be closed by the caller; nothing is computed before its first step
     */
    default Sampling sample(DenoisingFunction function, Tensor latent) {
        return sample(function, latent, 0, Map.of());
    }

    /**
     * Returns an iterator that takes the remaining steps of a run. Its latents equal those of an uninterrupted run bit for bit.
     *
     * @param function the function that computes the predictions
     * @param latent the latent after {@code stepsDone} steps, F32; updated in place
     * @param stepsDone 0 to {@link #steps}
     * @param state the {@link Sampling#state} after {@code stepsDone} steps; empty before the first step and after the last one
     * @return the iterator, to be closed by the caller; nothing is computed before its first step
     * @throws IllegalArgumentException if the number of steps or the state is invalid
     */
    Sampling sample(DenoisingFunction function, Tensor latent, int stepsDone, Map<String, HostTensor> state);
}
