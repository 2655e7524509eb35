package io.lingen.cuda.internal.driver;

/** Something was asked for that can't be part of a graph; it was not done. */
public final class NotRecordableException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** @param message what was asked for */
    public NotRecordableException(String message) {
        super(message);
    }
}
