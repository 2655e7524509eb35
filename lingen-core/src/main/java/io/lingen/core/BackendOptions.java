package io.lingen.core;

/**
 * The host resources that a backend may use.
 *
 * @param threads the number of host threads to compute with, 1 to {@value #MAX_THREADS}
 */
public record BackendOptions(int threads) {
    /** The largest number of threads that is accepted. */
    public static final int MAX_THREADS = 4096;

    /**
     * Checks the number of threads.
     *
     * @throws IllegalArgumentException if it is out of range
     */
    public BackendOptions {
        if (threads < 1 || threads > MAX_THREADS) {
            throw new IllegalArgumentException("threads must be 1 to " + MAX_THREADS + ", found " + threads);
        }
    }

    /** {@return options that use all processors that the JVM sees} */
    public static BackendOptions defaults() {
        return new BackendOptions(Runtime.getRuntime().availableProcessors());
    }
}
