package io.lingen.cli;

import picocli.CommandLine.Option;

/** {@code --threads}. */
final class ThreadOption {
    @Option(names = "--threads", paramLabel = "N", description = "Number of CPU threads (default: all).")
    private int threads = Runtime.getRuntime().availableProcessors();

    int threads() {
        return threads;
    }
}
