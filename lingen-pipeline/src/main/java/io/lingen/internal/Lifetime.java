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
    private volatile boolean ending;
    private volatile boolean ended;

    /** @param what lives, for messages: "the pipeline" */
    public Lifetime(String what) {
        this.what = what;
    }

    /** Whether the end has begun: those who work long should stop soon. */
    public boolean isEnding() {
        return ending;
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
        if (ending && lock.getReadHoldCount() == 0) {
            throw refusal.get();
        }
        lock.readLock().lock();
        try {
            if (ended) {
                throw refusal.get();
            }
            return work.get();
        } finally {
            lock.readLock().unlock();
        }
    }

    /** Does something, such as freeing a part early, unless the end has come and done it. */
    public void unlessEnded(Runnable work) {
        lock.readLock().lock();
        try {
            if (!ended) {
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
    public void end(Runnable free) {
        if (lock.getReadHoldCount() > 0) {
            throw new IllegalStateException(what + " can't be closed from within its own computation");
        }
        ending = true;
        lock.writeLock().lock();
        try {
            if (!ended) {
                free.run();
            }
        } finally {
            ended = true;
            lock.writeLock().unlock();
        }
    }
}
