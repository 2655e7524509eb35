package io.lingen.core.internal;

import java.util.ArrayDeque;
import java.util.Deque;

/** A stack of resources that are closed together, the last one first. For one thread. */
public final class CloseableStack implements AutoCloseable {
    private final Deque<AutoCloseable> resources = new ArrayDeque<>();

    /** Creates an empty stack. */
    public CloseableStack() {}

    /**
     * Takes ownership of a resource.
     *
     * @param <R> its type
     * @param resource the resource
     * @return the resource
     */
    public <R extends AutoCloseable> R add(R resource) {
        resources.push(resource);
        return resource;
    }

    /** Closes all resources, even if some throw. Rethrows the first exception, with the others suppressed in it. */
    @Override
    public void close() {
        RuntimeException failure = null;
        while (!resources.isEmpty()) {
            try {
                resources.pop().close();
            } catch (Exception e) {
                RuntimeException thrown = e instanceof RuntimeException r ? r : new IllegalStateException(e);
                if (failure == null) {
                    failure = thrown;
                } else if (thrown != failure) {
                    failure.addSuppressed(thrown);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    /**
     * Closes all resources after another failure, and adds their exceptions to it as suppressed ones.
     *
     * @param cause the failure
     */
    public void closeAfter(Throwable cause) {
        try {
            close();
        } catch (RuntimeException e) {
            if (e != cause) {
                cause.addSuppressed(e);
            }
        }
    }
}
