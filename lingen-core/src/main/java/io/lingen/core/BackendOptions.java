package io.lingen.core;

/**
 * What a backend may use.
 *
 * @param threads the number of host threads to compute with, 1 to {@value #MAX_THREADS}
 */
public record BackendOptions(int threads) {
    /** More than any machine has processors for. */
    public static final int MAX_THREADS = 4096;

    public BackendOptions {
        if (threads < 1 || threads > MAX_THREADS) {
            throw new IllegalArgumentException("the number of threads is 1 to " + MAX_THREADS + ", found " + threads);
        }
    }

    /** All processors that the JVM sees. */
    public static BackendOptions defaults() {
        return new BackendOptions(Runtime.getRuntime().availableProcessors());
    }
}
