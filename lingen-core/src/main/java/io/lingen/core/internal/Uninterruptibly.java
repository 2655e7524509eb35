package io.lingen.core.internal;

import java.io.IOException;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * File access that interrupts do not abort. A {@link java.nio.channels.FileChannel} closes itself when its thread is interrupted. Therefore
 * the work runs in another thread, and the interrupt status of the caller is restored afterwards. Thread-safe.
 */
public final class Uninterruptibly {
    private Uninterruptibly() {}

    /** File access without a result. */
    @FunctionalInterface
    public interface Action {
        /**
         * Accesses files.
         *
         * @throws IOException if an access fails
         */
        void run() throws IOException;
    }

    /**
     * File access with a result.
     *
     * @param <T> the type of the result
     */
    @FunctionalInterface
    public interface Reading<T> {
        /**
         * Reads files.
         *
         * @return the result
         * @throws IOException if an access fails
         */
        T read() throws IOException;
    }

    /**
     * Runs an action to its end, even if the calling thread is interrupted.
     *
     * @param action the action
     * @throws IOException if the action throws it
     */
    public static void run(Action action) throws IOException {
        call(() -> {
            action.run();
            return null;
        });
    }

    /**
     * Reads to the end, even if the calling thread is interrupted.
     *
     * @param <T> the type of the result
     * @param reading the file access
     * @return its result
     * @throws IOException if the file access throws it
     */
    public static <T> T read(Reading<T> reading) throws IOException {
        return call(reading::read);
    }

    private static <T> T call(Callable<T> work) throws IOException {
        FutureTask<T> task = new FutureTask<>(work);
        Thread.ofVirtual().name("uninterruptible-io").start(task);
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return task.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            if (cause instanceof IOException io) {
                throw io;
            }
            if (cause instanceof RuntimeException runtime) {
                throw runtime;
            }
            if (cause instanceof Error error) {
                throw error;
            }
            throw new IllegalStateException(cause);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
