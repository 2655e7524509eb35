package io.lingen.core.internal;

import java.util.ArrayDeque;
import java.util.Deque;

/** Closes what was added, the last first. For one thread. */
public final class CloseableStack implements AutoCloseable {
    private final Deque<AutoCloseable> resources = new ArrayDeque<>();

    /** Takes ownership. */
    public <R extends AutoCloseable> R add(R resource) {
        resources.push(resource);
        return resource;
    }

    /** Closes all of them, whatever some throw; the first failure is thrown, the others are suppressed in it. */
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

    /** Closes all of them because of another failure, in which one of closing is suppressed. */
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
