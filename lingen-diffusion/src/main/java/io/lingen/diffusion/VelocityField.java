package io.lingen.diffusion;

import io.lingen.core.Tensor;

/** The vector field that a flow follows. */
@FunctionalInterface
public interface VelocityField {
    /**
     * The velocity at a point.
     *
     * @param latent where, F32
     * @param t when, 0 = noise to 1 = data
     * @param velocity written, the latent's shape, F32
     */
    void velocity(Tensor latent, double t, Tensor velocity);
}
