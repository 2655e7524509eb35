"""Training of the embedded model: decoder, latents, denoiser, export."""
