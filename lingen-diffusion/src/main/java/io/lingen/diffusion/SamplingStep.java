package io.lingen.diffusion;

import io.lingen.core.Tensor;

/**
 * A latent after a step of its sampler.
 *
 * @param index steps done, 1 to the sampler's number
 * @param t the time reached, in the sampler's terms: in (0, 1] for a rectified flow
 * @param latent the latent there; the sampler's own tensor, overwritten by the next step
 */
public record SamplingStep(int index, double t, Tensor latent) {}
