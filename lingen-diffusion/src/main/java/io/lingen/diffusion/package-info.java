/**
 * The denoisers, the schedules, guidance, and the rectified-flow sampler that drives them.
 *
 * <p>The walk: {@link io.lingen.diffusion.Denoiser#condition} projects the text once, a {@link io.lingen.diffusion.Guidance} makes a
 * {@link io.lingen.diffusion.VelocityField} of it, and {@link io.lingen.diffusion.RectifiedFlowSampler} follows that field from noise to
 * latents along the times of a {@link io.lingen.diffusion.Schedule}.
 */
@NullMarked
package io.lingen.diffusion;

import org.jspecify.annotations.NullMarked;
