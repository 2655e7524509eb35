package io.lingen.diffusion;

import io.lingen.core.Shape;

/** The meaning of a denoiser's output. */
public enum Prediction {
    /** The velocity of a rectified flow: data minus noise. */
    VELOCITY(1),
    /** The noise of the latent. */
    NOISE(1),
    /** The noise, followed by as many channels that interpolate the variance of a step within its range (Nichol and Dhariwal, 2021). */
    NOISE_AND_VARIANCE(2);

    private final int channels;

    Prediction(int channels) {
        this.channels = channels;
    }

    /**
     * {@return the shape of the output: that of the latent, or with twice its channels}
     *
     * @param latent the latent's shape [C, T, H, W]
     */
    public Shape outputOf(Shape latent) {
        long[] lengths = latent.toArray();
        lengths[0] *= channels;
        return Shape.of(lengths);
    }
}
