package io.lingen.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The option {@code --threads}. */
final class ThreadOption {
    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Number of CPU threads, 1 to 4096 (default: the number of processors).")
    private @Nullable Integer threads;

    boolean isGiven() {
        return threads != null;
    }

    int threads() {
        return threads == null ? Runtime.getRuntime().availableProcessors() : threads;
    }
}
