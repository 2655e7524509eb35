/**
 * The temporal autoencoder between frames and latents (specification, section 6): an image autoencoder inflated in time, not causal. The
 * layout of its checkpoint is in docs/checkpoint-format.md.
 *
 * <p>Decoding proceeds in tiles along time, so its memory is independent of a video's length. It grows with the size of a frame, since
 * there are no spatial tiles. Encoding processes a whole video at once.
 */
@NullMarked
package io.lingen.vae;

import org.jspecify.annotations.NullMarked;
