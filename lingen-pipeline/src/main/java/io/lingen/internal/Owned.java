package io.lingen.internal;

import java.util.ArrayDeque;
import java.util.Deque;

/** Closes what was added, the last first. For one thread. */
public final class Owned implements AutoCloseable {
    private final Deque<AutoCloseable> resources = new ArrayDeque<>();

    /** Takes ownership. */
    public <R extends AutoCloseable> R add(R resource) {
        resources.push(resource);
        return resource;
    }

    @Override
    public void close() {
        while (!resources.isEmpty()) {
            try {
                resources.pop().close();
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
