package io.lingen.diffusion;

import io.lingen.core.Tensor;

/**
 * The flow after a step.
 *
 * @param index steps done, 1 to the schedule's number
 * @param t the time reached, in (0, 1]
 * @param latent the latent there; the sampler's own tensor, overwritten by the next step
 */
public record SamplingStep(int index, double t, Tensor latent) {}
