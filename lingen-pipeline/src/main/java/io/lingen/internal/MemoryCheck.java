package io.lingen.internal;

import io.lingen.core.Backend;
import io.lingen.core.OutOfMemoryException;
import java.util.Locale;

/** Refuses what can't fit before it starts. */
public final class MemoryCheck {
    private MemoryCheck() {}

    /**
     * Checks a need against what a backend has left.
     *
     * @param what the reason of the need, for the message
     * @param remedy what would make it smaller
     * @throws OutOfMemoryException naming both figures
     */
    public static void require(Backend backend, String what, long bytes, String remedy) {
        long available = backend.availableBytes();
        if (bytes > available) {
            throw new OutOfMemoryException(what + " takes about " + gigabytes(bytes) + " of memory and backend "
                    + backend.name() + " has " + gigabytes(available) + " left; " + remedy);
        }
    }

    private static String gigabytes(long bytes) {
        return String.format(Locale.ROOT, "%.2f GB", bytes / 1e9);
    }
}
