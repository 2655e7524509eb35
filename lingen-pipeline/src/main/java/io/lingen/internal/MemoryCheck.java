package io.lingen.internal;

import io.lingen.core.OutOfMemoryException;
import io.lingen.core.backend.Backend;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/** Refuses what can't fit before it starts. */
public final class MemoryCheck {
    private MemoryCheck() {}

    /**
     * Checks a need against what a backend has left.
     *
     * @param what the reason of the need, for the message
     * @param settings what would fit, for the message; asked for only if this does not
     * @throws OutOfMemoryException naming both figures
     */
    public static void require(Backend backend, String what, long bytes, Supplier<List<String>> settings) {
        long available = backend.availableBytes();
        if (bytes > available) {
            throw new OutOfMemoryException(what + " takes about " + gigabytes(bytes) + " of memory and backend "
                    + backend.name() + " has " + gigabytes(available) + " left; " + remedy(settings.get()));
        }
    }

    private static String remedy(List<String> settings) {
        return settings.isEmpty()
                ? "nothing like it fits: close what else runs, or take a machine with more memory"
                : "what fits: " + String.join(", or ", settings);
    }

    private static String gigabytes(long bytes) {
        return String.format(Locale.ROOT, "%.2f GB", bytes / 1e9);
    }
}
