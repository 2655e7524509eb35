package io.lingen.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The option {@code --count}. */
final class CountOption {
    @Option(
            names = "--count",
            paramLabel = "N",
            description =
                    "Number of videos per prompt, at least 1 (default: 1). Their seeds are consecutive, from that of --seed.")
    private @Nullable Integer count;

    boolean isGiven() {
        return count != null;
    }

    int count() {
        return count == null ? 1 : count;
    }

    /**
     * Checks the number.
     *
     * @throws IllegalArgumentException if it is not positive
     */
    void check() {
        if (count() < 1) {
            throw new IllegalArgumentException("--count must be at least 1, found " + count());
        }
    }
}
