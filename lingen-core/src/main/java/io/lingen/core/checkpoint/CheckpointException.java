package io.lingen.core.checkpoint;

import org.jspecify.annotations.Nullable;

/**
 * Thrown when a file of a model is missing, unreadable or ill-formed. The message has the file, the rule, the value found and the remedy.
 */
public final class CheckpointException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates an exception.
     *
     * @param message the file, the rule, the value found and the remedy
     */
    public CheckpointException(String message) {
        super(message);
    }

    /**
     * Creates an exception with a cause.
     *
     * @param message the file, the rule, the value found and the remedy
     * @param cause the error of a parser or of the file system, or null
     */
    public CheckpointException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
