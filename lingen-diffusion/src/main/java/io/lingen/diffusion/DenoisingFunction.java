package io.lingen.diffusion;

import io.lingen.core.Tensor;

/** A denoiser with its condition: the function that a sampler follows. Guidance is one that is made of two. */
@FunctionalInterface
public interface DenoisingFunction {
    /**
     * Computes the prediction for a latent at a time.
     *
     * @param latent [C, T, H, W], F32
     * @param t the time, in the denoiser's terms
     * @param out written, F32, of the shape {@link Prediction#outputOf}
     */
    void predict(Tensor latent, double t, Tensor out);
}
