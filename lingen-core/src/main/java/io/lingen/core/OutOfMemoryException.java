package io.lingen.core;

/** A backend's memory does not suffice for a tensor. Other work of the process is unharmed. */
public final class OutOfMemoryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message what was asked for, what is in use, and what would help */
    public OutOfMemoryException(String message) {
        super(message);
    }

    /** @param message what was asked for, what is in use, and what would help */
    public OutOfMemoryException(String message, Throwable cause) {
        super(message, cause);
    }
}
