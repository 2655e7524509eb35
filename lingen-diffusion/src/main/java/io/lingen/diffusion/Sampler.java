package io.lingen.diffusion;

import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import java.util.Map;

/**
 * A method that leads a latent from noise to data along its own times, a prediction of the denoiser after the other. Knows neither model nor
 * backend names. Immutable, thread-safe: each {@link Sampling} is one video.
 */
public interface Sampler {
    /** The number of steps. */
    int steps();

    /**
     * Writes the latent that the first step starts from.
     *
     * @param seed of the noise: equal seeds give equal noise on every backend
     * @param latent F32
     */
    void start(long seed, Tensor latent);

    /** Takes all steps from the first, as {@link #sample(DenoisingFunction, Tensor, int, Map)}. */
    default Sampling sample(DenoisingFunction function, Tensor latent) {
        return sample(function, latent, 0, Map.of());
    }

    /**
     * Takes the steps that are left. The latents are, bit for bit, those of one uninterrupted run.
     *
     * @param function gives the predictions
     * @param latent the latent after {@code stepsDone} steps, F32; moved in place
     * @param stepsDone 0 to {@link #steps}
     * @param state {@link Sampling#state} after that step; empty at the beginning
     * @return to be closed by the caller; nothing is computed before its first step
     * @throws IllegalArgumentException if the steps or the state can't be
     */
    Sampling sample(DenoisingFunction function, Tensor latent, int stepsDone, Map<String, HostTensor> state);
}
