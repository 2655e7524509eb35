package io.lingen.core;

/** Thrown when a backend has too little memory for a tensor. Other work of the process is unaffected. */
public final class OutOfMemoryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates an exception.
     *
     * @param message the size requested, the memory in use, and the remedy
     */
    public OutOfMemoryException(String message) {
        super(message);
    }

    /**
     * Creates an exception with a cause.
     *
     * @param message the size requested, the memory in use, and the remedy
     * @param cause the error of the allocator
     */
    public OutOfMemoryException(String message, Throwable cause) {
        super(message, cause);
    }
}
