package io.lingen.cuda.internal.driver;

/** Thrown by a call that cannot be part of a graph. The call has no effect. */
public final class NotRecordableException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates an exception.
     *
     * @param message the rule and the call
     */
    public NotRecordableException(String message) {
        super(message);
    }
}
