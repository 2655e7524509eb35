package io.lingen.vae;

import io.lingen.core.Tensor;
import io.lingen.core.op.Grid;

/**
 * A decoder from latents to frames. Immutable and thread-safe: videos may be decoded concurrently. Owns its weights, but not the backend.
 * Close it after its streams.
 */
public interface VideoDecoder extends AutoCloseable {
    /** {@return the number of channels of a latent} */
    int latentChannels();

    /**
     * {@return the number of frames, rows and columns of the decoded video}
     *
     * @param latent the latent frames, rows and columns
     */
    Grid framesOf(Grid latent);

    /**
     * Decodes a video frame by frame. The memory needed, apart from the latent, is independent of its length.
     *
     * @param latent [C, T, H, W], normalised; read before this method returns
     * @return the frames from the first to the last, to be closed by the caller
     * @throws IllegalArgumentException if the latent's shape does not fit
     */
    default FrameStream frames(Tensor latent) {
        return frames(latent, FrameStream.Guard.NONE);
    }

    /**
     * Decodes a video frame by frame. The memory needed, apart from the latent, is independent of its length.
     *
     * @param latent [C, T, H, W], normalised; read before this method returns
     * @param guard wraps each decode
     * @return the frames from the first to the last, to be closed by the caller
     * @throws IllegalArgumentException if the latent's shape does not fit
     */
    FrameStream frames(Tensor latent, FrameStream.Guard guard);

    /** Frees the weights. */
    @Override
    void close();
}
