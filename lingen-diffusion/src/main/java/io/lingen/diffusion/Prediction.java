package io.lingen.diffusion;

import io.lingen.core.Shape;

/** The meaning of a denoiser's output. */
public enum Prediction {
    /** The velocity of a rectified flow towards the data: data minus noise. The time is that of the flow, from 0 = noise to 1 = data. */
    VELOCITY(1),
    /**
     * The velocity of a rectified flow towards the noise: noise minus data. The time is 1000 times the noise level, from 1000 = noise to 0 =
     * data. Published flow models predict this.
     */
    VELOCITY_TO_NOISE(1),
    /** The noise of the latent, at a time as in training. */
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
