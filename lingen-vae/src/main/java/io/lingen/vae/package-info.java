/**
 * The temporal autoencoder between frames and latents (specification, section 6): an image autoencoder inflated in time, not causal. The
 * layout of its checkpoint is in docs/checkpoint-format.md.
 *
 * <p>Decoding runs tile after tile along time, so its memory does not grow with a clip's length. It does grow with the frame's size:
 * there are no spatial tiles. Encoding takes a whole clip at once.
 */
@NullMarked
package io.lingen.vae;

import org.jspecify.annotations.NullMarked;
