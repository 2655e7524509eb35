package io.lingen.diffusion;

import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import java.util.Map;

/**
 * A method that moves a latent from noise to data in steps, each with one evaluation of a {@link DenoisingFunction}. It is independent of
 * the model and the backend. Immutable, thread-safe: each {@link Sampling} is one video.
 */
public interface Sampler {
    /** {@return the number of steps} */
    int steps();

    /**
     * Writes the latent that the first step starts from.
     *
     * @param seed of the noise; equal seeds give equal noise on every backend
     * @param latent F32, overwritten
     */
    void start(long seed, Tensor latent);

    /**
     * Samples from the first step on.
     *
     * @param function gives the predictions
     * @param latent the initial latent, F32; updated in place
     * @return the iterator of the steps, to be closed by the caller; nothing is computed before its first step
     */
    default Sampling sample(DenoisingFunction function, Tensor latent) {
        return sample(function, latent, 0, Map.of());
    }

    /**
     * Samples the remaining steps of a run. The latents are, bit for bit, those of an uninterrupted run.
     *
     * @param function gives the predictions
     * @param latent the latent after {@code stepsDone} steps, F32; updated in place
     * @param stepsDone 0 to {@link #steps}
     * @param state {@link Sampling#state} after that step; empty at the beginning
     * @return the iterator of the steps, to be closed by the caller; nothing is computed before its first step
     * @throws IllegalArgumentException if the number of steps or the state is invalid
     */
    Sampling sample(DenoisingFunction function, Tensor latent, int stepsDone, Map<String, HostTensor> state);
}
