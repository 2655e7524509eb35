/**
 * The transformer of Latte (Ma et al., "Latte: Latent Diffusion Transformer for Video Generation", 2024): attention inside frames
 * alternates with attention over the frames of one place. Not API.
 */
@NullMarked
package io.lingen.diffusion.internal.latte;

import org.jspecify.annotations.NullMarked;
