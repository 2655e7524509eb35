package io.lingen.diffusion;

import io.lingen.core.Tensor;

/** A denoiser together with its condition: the function that a sampler evaluates. {@link Guidance} combines two of them into one. */
@FunctionalInterface
public interface DenoisingFunction {
    /**
     * Computes the prediction for a latent at a time.
     *
     * @param latent [C, T, H, W], F32
     * @param t the time, as the denoiser defines it
     * @param out written, F32, of the shape {@link Prediction#outputOf}
     */
    void predict(Tensor latent, double t, Tensor out);
}
