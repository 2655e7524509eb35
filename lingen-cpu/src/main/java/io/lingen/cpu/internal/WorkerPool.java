package io.lingen.cpu.internal;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A fixed number of threads that share the tasks of one job at a time. The caller is one of them. Tasks are taken dynamically, so that
 * uneven ones balance. Thread-safe: jobs of concurrent callers run one after the other. A task must not start another job.
 *
 * <p>Idle threads look for work a few microseconds long before they sleep: the operations of a model follow each other closely, and
 * waking a sleeping thread takes longer than many of them.
 */
public final class WorkerPool implements AutoCloseable {
    private static final long SPIN_NANOS = 20_000;

    /** One task of a job. */
    @FunctionalInterface
    public interface Body {
        /** Does a task, 0 &lt;= task &lt; tasks. The worker's scratch memory is the task's until it returns. */
        void run(int task, Worker worker);
    }

    /** A piece of a job over a range of items. */
    @FunctionalInterface
    public interface RangeBody {
        /** Does the items {@code from} (inclusive) to {@code to} (exclusive). */
        void run(long from, long to, Worker worker);
    }

    /** A thread's place in the pool. */
    public static final class Worker {
        private final int index;
        private final Scratch scratch;

        private Worker(int index, Scratch scratch) {
            this.index = index;
            this.scratch = scratch;
        }

        /** Its number, from 0 to the pool's threads - 1. */
        public int index() {
            return index;
        }

        /** Memory for intermediate results of the current task. */
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

    /** Starts the threads but one, which is the caller of each job. */
    public WorkerPool(int size, SizeClassAllocator memory) {
        workers = new Worker[size];
        threads = new WorkerThread[size - 1];
        // With more threads than processors, a spinning one would take the processor from one that has work.
        spins = size <= Runtime.getRuntime().availableProcessors();
        for (int i = 0; i < size; i++) {
            workers[i] = new Worker(i, new Scratch(memory));
        }
        for (int i = 0; i < size - 1; i++) {
            threads[i] = new WorkerThread(workers[i + 1]);
            threads[i].start();
        }
    }

    /** The number of threads that work on a job, the caller included. */
    public int size() {
        return workers.length;
    }

    /**
     * Runs {@code body} for every task and returns when all are done. What a task throws is thrown here; the tasks that were not yet
     * begun are then left out.
     */
    public void forEach(int tasks, Body body) {
        if (lock.isHeldByCurrentThread() || isOwnThread()) {
            throw new IllegalStateException("a task can't start another job of its pool");
        }
        lock.lock();
        try {
            if (closed) {
                throw new IllegalStateException("the backend is closed");
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
     * Splits items into ranges, a few per thread but none smaller than {@code grain} unless it is the last, and runs them.
     *
     * @param items the number of items, may be 0
     * @param grain the items that are worth a task, at least 1
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

    /** Ends the threads and gives their scratch memory back. */
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
                    rest();
                }
            }
        }

        /** Returns when there may be work. */
        private void rest() {
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
