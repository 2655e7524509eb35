package io.lingen.core;

/**
 * What a backend may use.
 *
 * @param threads the number of host threads to compute with, at least 1
 */
public record BackendOptions(int threads) {
    public BackendOptions {
        if (threads < 1) {
            throw new IllegalArgumentException("the number of threads is at least 1, found " + threads);
        }
    }

    /** All processors that the JVM sees. */
    public static BackendOptions defaults() {
        return new BackendOptions(Runtime.getRuntime().availableProcessors());
    }
}
