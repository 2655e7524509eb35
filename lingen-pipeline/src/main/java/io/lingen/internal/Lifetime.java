package io.lingen.internal;

import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/**
 * Lets one thread free what others compute with: the end waits for the uses that are under way and refuses later ones, so that no native
 * code loses its memory while it runs. Thread-safe.
 */
public final class Lifetime {
    private final String what;
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private volatile boolean shuttingDown;
    private volatile boolean shutDown;

    /** @param what lives, for messages: "the pipeline" */
    public Lifetime(String what) {
        this.what = what;
    }

    /** Whether the end has begun: those who work long should stop soon. */
    public boolean isShuttingDown() {
        return shuttingDown;
    }

    /**
     * Works with what lives, which stays until the work is done.
     *
     * @throws IllegalStateException if the end has begun
     */
    public <T> T use(Supplier<T> work) {
        return use(work, () -> new IllegalStateException(what + " is closed; load another one"));
    }

    /** As {@link #use(Supplier)}, with a refusal of the caller's own. */
    public <T> T use(Supplier<T> work, Supplier<? extends RuntimeException> refusal) {
        // A use within a use goes on: the end waits for the outer one anyway.
        if (shuttingDown && lock.getReadHoldCount() == 0) {
            throw refusal.get();
        }
        lock.readLock().lock();
        try {
            if (shutDown) {
                throw refusal.get();
            }
            return work.get();
        } finally {
            lock.readLock().unlock();
        }
    }

    /** Does something, such as freeing a part early, unless the end has come and done it. */
    public void unlessShutDown(Runnable work) {
        lock.readLock().lock();
        try {
            if (!shutDown) {
                work.run();
            }
        } finally {
            lock.readLock().unlock();
        }
    }

    /**
     * Ends: refuses new uses, waits for those under way, frees. Later calls wait for the first and have no effect.
     *
     * @throws IllegalStateException if this thread is within a use, for which it would wait forever
     */
    public void shutdown(Runnable free) {
        if (lock.getReadHoldCount() > 0) {
            throw new IllegalStateException(what + " can't be closed from within its own computation");
        }
        shuttingDown = true;
        lock.writeLock().lock();
        try {
            if (!shutDown) {
                free.run();
            }
        } finally {
            shutDown = true;
            lock.writeLock().unlock();
        }
    }
}
