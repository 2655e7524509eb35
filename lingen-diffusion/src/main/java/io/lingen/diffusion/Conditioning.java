package io.lingen.diffusion;

/**
 * A {@link Condition} in the form that a denoiser's passes read, such as the keys and values of every block. It is computed once per video
 * and belongs to the denoiser that made it. Immutable, thread-safe; close it after the video.
 */
public interface Conditioning extends AutoCloseable {
    /** Frees the memory. */
    @Override
    void close();
}
