package io.lingen.vae;

import io.lingen.core.Tensor;
import io.lingen.core.op.Grid;

/**
 * Turns latents into frames. Immutable and thread-safe: clips may be decoded concurrently. Owns its weights, not the backend; close it after
 * the streams that it gave.
 */
public interface VideoDecoder extends AutoCloseable {
    /** The channels of a latent. */
    int latentChannels();

    /** The frames, rows and columns that a latent of so many cells decodes to. */
    Grid framesOf(Grid latent);

    /** Decodes a clip frame by frame, as {@link #frames(Tensor, FrameStream.Guard)} without a guard. */
    default FrameStream frames(Tensor latent) {
        return frames(latent, FrameStream.Guard.NONE);
    }

    /**
     * Decodes a clip frame by frame; its memory does not grow with the clip's length.
     *
     * @param latent [C, T, H, W], normalised; read before this method returns
     * @param guard wraps the decoding of each frame
     * @return the clip's frames from the first to the last; close it
     * @throws IllegalArgumentException if the latent's shape does not fit
     */
    FrameStream frames(Tensor latent, FrameStream.Guard guard);

    /** Frees the weights. */
    @Override
    void close();
}
