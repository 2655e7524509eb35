package io.lingen.core.spi;

/**
 * A backend's policy of allocation without the memory: it rounds sizes and keeps blocks for reuse as the backend does, so that a dry run
 * counts what a real run will hold.
 */
public interface MemoryPool {
    /** A pool that neither rounds nor keeps anything. */
    static MemoryPool exact() {
        return new ExactPool();
    }

    /** Takes memory for a tensor; running the result, once, gives it back. */
    Runnable take(long bytes);

    /** The most bytes that were held at one time since the start or the last reset, those kept for reuse included. */
    long peakBytes();

    /** Gives back what is kept for reuse and resets the peak to what is in use now. */
    void resetPeak();
}
