package io.lingen.cli;

import io.lingen.core.backend.Backends;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that select where to compute. */
final class ComputeOptions {
    @Option(
            names = "--backend",
            paramLabel = "auto|cpu|nd4j|cuda",
            description =
                    "Compute backend: cpu, cuda (NVIDIA GPU), nd4j (slow reference), or auto for the first available one that"
                            + " 'lingen info' lists (default: auto).")
    private @Nullable String backend;

    @Mixin
    private ThreadOption threads;

    String backend() {
        return backend == null ? Backends.AUTO : backend;
    }

    boolean isBackendGiven() {
        return backend != null;
    }

    boolean areThreadsGiven() {
        return threads.isGiven();
    }

    int threads() {
        return threads.threads();
    }
}
