package io.lingen.diffusion;

import io.lingen.core.Shape;

/** The meaning of a denoiser's output. */
public enum Prediction {
    /** The velocity of a rectified flow: data minus noise. */
    VELOCITY(1),
    /** The noise in the latent. */
    NOISE(1),
    /** The noise, then as many channels that place the variance of a step within its range (Nichol and Dhariwal, 2021). */
    NOISE_AND_VARIANCE(2);

    private final int channels;

    Prediction(int channels) {
        this.channels = channels;
    }

    /** The output's shape for a latent [C, T, H, W]: the same, or with twice its channels. */
    public Shape outputOf(Shape latent) {
        long[] lengths = latent.toArray();
        lengths[0] *= channels;
        return Shape.of(lengths);
    }
}
