package io.lingen.core.checkpoint;

import org.jspecify.annotations.Nullable;

/** An unreadable or ill-formed checkpoint or configuration. The message says what was found, what was expected and what to do. */
public final class CheckpointException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message what was found, what was expected, what to do */
    public CheckpointException(String message) {
        super(message);
    }

    /** @param message what was found, what was expected, what to do */
    public CheckpointException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
