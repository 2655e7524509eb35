package io.lingen.diffusion;

import io.lingen.core.Tensor;

/**
 * A latent after a step of its sampler.
 *
 * @param index the number of steps done, from 1
 * @param t the time reached, as the sampler defines it: in (0, 1] for a rectified flow
 * @param latent the latent at that time; the tensor of the sampler, overwritten by the next step
 */
public record SamplingStep(int index, double t, Tensor latent) {}
