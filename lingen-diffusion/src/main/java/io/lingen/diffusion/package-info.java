/**
 * Denoisers, schedules, guidance, and samplers.
 *
 * <p>{@link io.lingen.diffusion.Denoiser#condition} prepares a {@link io.lingen.diffusion.Condition} once per video. {@link
 * io.lingen.diffusion.Guidance} makes a {@link io.lingen.diffusion.DenoisingFunction} of it, and a {@link io.lingen.diffusion.Sampler}
 * follows that function from noise to a clean latent. A sampler must match the {@link io.lingen.diffusion.Prediction} of the denoiser. The
 * simplest one is {@link io.lingen.diffusion.RectifiedFlowSampler}, with the times of a {@link io.lingen.diffusion.Schedule}.
 */
@NullMarked
package io.lingen.diffusion;

import org.jspecify.annotations.NullMarked;
