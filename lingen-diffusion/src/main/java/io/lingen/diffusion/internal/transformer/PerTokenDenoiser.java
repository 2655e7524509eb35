package io.lingen.diffusion.internal.transformer;

import io.lingen.core.Tensor;
import io.lingen.diffusion.Conditioning;
import io.lingen.diffusion.Denoiser;

/** A denoiser that accepts a time for each token. With an image, for example, the tokens of the first latent frame have the time of data. */
public interface PerTokenDenoiser extends Denoiser {
    /**
     * Computes the prediction for a latent whose tokens have times of their own.
     *
     * @param latent [C, T, H, W], F32
     * @param times the time of each token, in (t, h, w) order
     * @param conditioning the conditioning, made by this denoiser
     * @param out the output, F32, of the shape {@link io.lingen.diffusion.Prediction#outputOf}
     * @throws IllegalArgumentException if the latent does not fit the configuration, or there is another number of times
     */
    void predict(Tensor latent, double[] times, Conditioning conditioning, Tensor out);
}
