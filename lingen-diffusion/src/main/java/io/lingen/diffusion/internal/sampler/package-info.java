/**
 * Samplers of published flow models, whose denoisers predict {@link io.lingen.diffusion.Prediction#VELOCITY_TO_NOISE}. A noisy latent of
 * noise level sigma is x = (1 - sigma) data + sigma noise. Each sampler follows {@link io.lingen.diffusion.internal.sampler.FlowSigmas} from noise
 * to 0. Not API.
 */
@NullMarked
package io.lingen.diffusion.internal.sampler;

import org.jspecify.annotations.NullMarked;
