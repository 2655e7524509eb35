package io.lingen.core.spi;

/**
 * The allocation policy of a backend, without the memory. It rounds sizes and keeps freed blocks for reuse as the backend does, so a dry
 * run counts the bytes that a real run will hold. Thread-safe.
 */
public interface MemoryPool {
    /** {@return a pool that neither rounds sizes nor keeps freed blocks} */
    static MemoryPool exact() {
        return new ExactPool();
    }

    /**
     * Reserves memory for a tensor.
     *
     * @param bytes the size, at least 0
     * @return an action that releases the memory; it must run once
     */
    Runnable take(long bytes);

    /** {@return the largest number of bytes held since the start or the last reset, including blocks kept for reuse} */
    long peakBytes();

    /** Frees the blocks kept for reuse, and resets the peak to the bytes in use. */
    void resetPeak();
}
