package io.lingen.internal;

import io.lingen.core.OutOfMemoryException;
import io.lingen.core.backend.Backend;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/** Checks of memory before a computation starts. */
public final class MemoryCheck {
    private MemoryCheck() {}

    /**
     * Checks that a backend has enough memory.
     *
     * @param backend the backend
     * @param what the subject of the message, for example "this video"
     * @param bytes the required memory in bytes
     * @param settings supplies settings that fit, for the message; called only if the memory does not suffice
     * @throws OutOfMemoryException with both figures and the settings
     */
    public static void require(Backend backend, String what, long bytes, Supplier<List<String>> settings) {
        long available = backend.availableBytes();
        if (bytes > available) {
            throw new OutOfMemoryException(what + " needs about " + gigabytes(bytes) + " of memory, found "
                    + gigabytes(available) + " available to backend " + backend.name() + "; "
                    + remedy(settings.get()));
        }
    }

    private static String remedy(List<String> settings) {
        return settings.isEmpty()
                ? "close other programs, or use a machine with more memory"
                : "use " + String.join(", or ", settings);
    }

    private static String gigabytes(long bytes) {
        return String.format(Locale.ROOT, "%.2f GB", bytes / 1e9);
    }
}
