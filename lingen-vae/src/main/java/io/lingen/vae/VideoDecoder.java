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
     * {@return the size of the decoded video: frames, rows and columns of pixels}
     *
     * @param latent the size of the latent: latent frames, rows and columns
     */
    Grid framesOf(Grid latent);

    /**
     * Decodes a video frame by frame. The memory needed, apart from the latent, is independent of the video's length.
     *
     * @param latent [C, T, H, W], normalized to mean 0 and standard deviation 1 per channel; not read after this method returns
     * @return the frames from the first to the last, to be closed by the caller
     * @throws IllegalArgumentException if the latent's shape does not fit
     */
    default FrameStream frames(Tensor latent) {
        return frames(latent, FrameStream.Guard.NONE);
    }

    /**
     * Decodes a video frame by frame, with a guard. The memory needed, apart from the latent, is independent of the video's length.
     *
     * @param latent [C, T, H, W], normalized to mean 0 and standard deviation 1 per channel; not read after this method returns
     * @param guard wraps each decode and the freeing of the stream
     * @return the frames from the first to the last, to be closed by the caller
     * @throws IllegalArgumentException if the latent's shape does not fit
     */
    FrameStream frames(Tensor latent, FrameStream.Guard guard);

    /** Frees the weights. */
    @Override
    void close();
}
