package io.lingen.diffusion;

/**
 * A {@link Condition} in the form that a denoiser's passes use, computed once per video: keys and values of every block, for example. Only
 * the denoiser that made it can read it. Immutable, thread-safe; close it when the video is done.
 */
public interface Conditioning extends AutoCloseable {
    /** Frees its memory. */
    @Override
    void close();
}
