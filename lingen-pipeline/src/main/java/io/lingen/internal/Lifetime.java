package io.lingen.internal;

import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/**
 * The lifetime of a resource that several threads use. {@link #shutdown} waits for the uses in progress and rejects later ones, so that
 * native memory is not freed during a computation. Thread-safe.
 */
public final class Lifetime {
    private final String what;
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private volatile boolean shuttingDown;
    private volatile boolean shutDown;

    /**
     * Starts the lifetime of a resource.
     *
     * @param what the name of the resource for messages, for example "the pipeline"
     */
    public Lifetime(String what) {
        this.what = what;
    }

    /** {@return whether {@link #shutdown} was called, after which long computations should stop soon} */
    public boolean isShuttingDown() {
        return shuttingDown;
    }

    /**
     * Uses the resource, which is not freed before the work ends.
     *
     * @param <T> the type of the result
     * @param work the work
     * @return the result of the work
     * @throws IllegalStateException if {@link #shutdown} was called
     */
    public <T> T use(Supplier<T> work) {
        return use(work, () -> new IllegalStateException(what + " is closed; load another one"));
    }

    /**
     * Uses the resource, and throws a given exception after {@link #shutdown} was called.
     *
     * @param <T> the type of the result
     * @param work the work
     * @param rejection supplies the exception
     * @return the result of the work
     */
    public <T> T use(Supplier<T> work, Supplier<? extends RuntimeException> rejection) {
        // A use within a use is accepted: shutdown waits for the outer use anyway.
        if (shuttingDown && lock.getReadHoldCount() == 0) {
            throw rejection.get();
        }
        lock.readLock().lock();
        try {
            if (shutDown) {
                throw rejection.get();
            }
            return work.get();
        } finally {
            lock.readLock().unlock();
        }
    }

    /**
     * Runs work, such as freeing a part of the resource early, unless the resource was freed.
     *
     * @param work the work
     */
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
     * Rejects new uses, waits for those in progress, and frees the resource. Later calls wait for the first one and have no effect.
     *
     * @param free frees the resource
     * @throws IllegalStateException if the calling thread is using the resource and would wait for itself
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
