/**
 * The denoisers, the schedules, guidance, and the samplers that drive them.
 *
 * <p>The walk: {@link io.lingen.diffusion.Denoiser#condition} prepares a {@link io.lingen.diffusion.Condition} once per video, a
 * {@link io.lingen.diffusion.Guidance} makes a {@link io.lingen.diffusion.DenoisingFunction} of it, and a
 * {@link io.lingen.diffusion.Sampler} follows that function from noise to latents. A denoiser states its
 * {@link io.lingen.diffusion.Prediction}; the sampler of a model is one that takes it. The plainest is
 * {@link io.lingen.diffusion.RectifiedFlowSampler}, along the times of a {@link io.lingen.diffusion.Schedule}.
 */
@NullMarked
package io.lingen.diffusion;

import org.jspecify.annotations.NullMarked;
