package io.lingen.core.backend;

/**
 * How a backend sets memory aside: its bookkeeping without the memory. A {@link CountingBackend} takes its tensors from one, so that
 * rounding and what is kept for reuse are counted as they will be.
 */
public interface MemoryPool {
    /** Takes memory for a tensor; running the result, once, gives it back. */
    Runnable take(long bytes);

    /** The most bytes that were held at one time since the start or the last reset, those kept for reuse included. */
    long peakBytes();

    /** Gives back what is kept for reuse and lets the peak start again from what is in use now. */
    void resetPeak();
}
