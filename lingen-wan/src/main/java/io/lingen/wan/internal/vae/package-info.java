/**
 * The Wan autoencoder between frames and latents: convolutional and causal in time.
 *
 * <p>Videos are decoded and encoded in pieces of a few frames, so the memory needed is independent of a video's length. It grows with the
 * size of a frame, since there are no spatial tiles.
 */
@NullMarked
package io.lingen.wan.internal.vae;

import org.jspecify.annotations.NullMarked;
