package io.lingen.cpu.internal;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A fixed number of threads, including the caller, that share the tasks of one job at a time. Threads take tasks dynamically, which
 * balances uneven tasks. Thread-safe: jobs of concurrent callers run one after the other. A task must not start another job.
 *
 * <p>Idle threads spin for some microseconds before they sleep. The operations of a model follow each other closely, and many are shorter
 * than the time to wake a thread.
 */
public final class WorkerPool implements AutoCloseable {
    private static final long SPIN_NANOS = 20_000;

    /** The body of a job. */
    @FunctionalInterface
    public interface Body {
        /**
         * Runs a task.
         *
         * @param task the index of the task, from 0
         * @param worker the worker of the calling thread; the task may use its scratch memory
         */
        void run(int task, Worker worker);
    }

    /** The body of a job over a range of items. */
    @FunctionalInterface
    public interface RangeBody {
        /**
         * Processes items.
         *
         * @param from the first item
         * @param to the item after the last
         * @param worker the worker of the calling thread; the task may use its scratch memory
         */
        void run(long from, long to, Worker worker);
    }

    /** The state of one thread of the pool. */
    public static final class Worker {
        private final int index;
        private final Scratch scratch;

        private Worker(int index, Scratch scratch) {
            this.index = index;
            this.scratch = scratch;
        }

        /** {@return the index of this worker, from 0 to the size of the pool - 1} */
        public int index() {
            return index;
        }

        /** {@return the memory for intermediate results of the current task} */
        public Scratch scratch() {
            return scratch;
        }
    }

    private final Worker[] workers;
    private final WorkerThread[] threads;
    private final ReentrantLock lock = new ReentrantLock();
    private final boolean spins;
    private volatile @Nullable Job current;
    private volatile boolean closed;

    /**
     * Creates a pool and starts its threads.
     *
     * @param size the number of threads, including the caller of a job
     * @param memory the allocator of scratch memory
     */
    public WorkerPool(int size, SizeClassAllocator memory) {
        workers = new Worker[size];
        threads = new WorkerThread[size - 1];
        // With more threads than processors, a spinning thread would block one that has work.
        spins = size <= Runtime.getRuntime().availableProcessors();
        for (int i = 0; i < size; i++) {
            workers[i] = new Worker(i, new Scratch(memory));
        }
        for (int i = 0; i < size - 1; i++) {
            threads[i] = new WorkerThread(workers[i + 1]);
            threads[i].start();
        }
    }

    /** {@return the number of threads, including the caller of a job} */
    public int size() {
        return workers.length;
    }

    /**
     * Runs all tasks of a job and returns when they have ended. After a task throws, tasks that have not started are skipped, and this
     * method throws the same exception.
     *
     * @param tasks the number of tasks, at least 0
     * @param body the body of the job
     * @throws IllegalStateException if the pool is closed, or if a task of this pool calls this method
     */
    public void forEach(int tasks, Body body) {
        if (lock.isHeldByCurrentThread() || isOwnThread()) {
            throw new IllegalStateException("a job must be started outside its pool, found a task that starts one");
        }
        lock.lock();
        try {
            if (closed) {
                throw new IllegalStateException("the cpu backend is closed; run operations before closing it");
            }
            Job job = new Job(tasks, body, Thread.currentThread());
            boolean shared = tasks > 1 && threads.length > 0;
            if (shared) {
                current = job;
                for (int i = 0; i < Math.min(threads.length, tasks - 1); i++) {
                    threads[i].wake();
                }
            }
            job.work(workers[0]);
            job.await(spins);
            current = null;
            job.throwFailure();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Splits items into ranges, one task each, and runs them. There are a few ranges per thread. Only the last may be smaller than {@code
     * grain}.
     *
     * @param items the number of items, at least 0
     * @param grain the smallest number of items per task, at least 1
     * @param body the body of the job
     */
    public void forRanges(long items, long grain, RangeBody body) {
        if (items <= 0) {
            return;
        }
        long perThread = Math.ceilDiv(items, 8L * workers.length);
        long range = Math.min(items, Math.max(grain, workers.length == 1 ? items : perThread));
        int tasks = Math.toIntExact(Math.ceilDiv(items, range));
        forEach(tasks, (task, worker) -> {
            long from = task * range;
            body.run(from, Math.min(items, from + range), worker);
        });
    }

    /** Stops the threads and frees their scratch memory. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            for (WorkerThread thread : threads) {
                LockSupport.unpark(thread);
            }
            boolean interrupted = false;
            for (WorkerThread thread : threads) {
                while (thread.isAlive()) {
                    try {
                        thread.join();
                    } catch (InterruptedException e) {
                        interrupted = true;
                    }
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            for (Worker worker : workers) {
                worker.scratch.close();
            }
        } finally {
            lock.unlock();
        }
    }

    private boolean isOwnThread() {
        return Thread.currentThread() instanceof WorkerThread && ((WorkerThread) Thread.currentThread()).pool() == this;
    }

    private static final class Job {
        private final int tasks;
        private final Body body;
        private final Thread caller;
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicInteger done = new AtomicInteger();
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

        private Job(int tasks, Body body, Thread caller) {
            this.tasks = tasks;
            this.body = body;
            this.caller = caller;
        }

        private void work(Worker worker) {
            for (int task = next.getAndIncrement(); task < tasks; task = next.getAndIncrement()) {
                if (failure.get() == null) {
                    worker.scratch.reset();
                    try {
                        body.run(task, worker);
                    } catch (Throwable e) {
                        failure.compareAndSet(null, e);
                    }
                }
                if (done.incrementAndGet() == tasks) {
                    LockSupport.unpark(caller);
                }
            }
        }

        private void await(boolean spins) {
            long start = System.nanoTime();
            while (done.get() < tasks) {
                if (spins && System.nanoTime() - start < SPIN_NANOS) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.park(this);
                }
            }
        }

        private void throwFailure() {
            Throwable thrown = failure.get();
            if (thrown instanceof RuntimeException) {
                throw (RuntimeException) thrown;
            }
            if (thrown instanceof Error) {
                throw (Error) thrown;
            }
            if (thrown != null) {
                throw new IllegalStateException("a task failed", thrown);
            }
        }
    }

    private final class WorkerThread extends Thread {
        private final Worker worker;
        private volatile boolean parked;

        private WorkerThread(Worker worker) {
            super("lingen-cpu-" + worker.index());
            this.worker = worker;
            setDaemon(true);
        }

        private WorkerPool pool() {
            return WorkerPool.this;
        }

        private void wake() {
            if (parked) {
                LockSupport.unpark(this);
            }
        }

        @Override
        public void run() {
            while (!closed) {
                Job job = current;
                if (job != null && job.next.get() < job.tasks) {
                    job.work(worker);
                } else {
                    awaitWork();
                }
            }
        }

        /** Returns when there may be work. */
        private void awaitWork() {
            long start = System.nanoTime();
            while (spins && System.nanoTime() - start < SPIN_NANOS) {
                if (hasWork()) {
                    return;
                }
                Thread.onSpinWait();
            }
            parked = true;
            while (!hasWork()) {
                LockSupport.park(WorkerPool.this);
            }
            parked = false;
        }

        private boolean hasWork() {
            Job job = current;
            return closed || job != null && job.next.get() < job.tasks;
        }
    }
}
