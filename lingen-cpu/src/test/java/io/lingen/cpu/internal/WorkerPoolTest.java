package io.lingen.cpu.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class WorkerPoolTest {
    private final SizeClassAllocator memory = new SizeClassAllocator();

    @AfterEach
    void checkScratchIsFreed() {
        assertEquals(0, memory.usedBytes(), "scratch memory after the pool is closed");
        memory.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void everyTaskRunsOnce(int threads) {
        try (WorkerPool pool = new WorkerPool(threads, memory)) {
            for (int tasks : new int[] {0, 1, 2, 7, 1000}) {
                for (int repeat = 0; repeat < 50; repeat++) {
                    AtomicIntegerArray runs = new AtomicIntegerArray(tasks);
                    pool.forEach(tasks, (task, worker) -> {
                        worker.scratch().bytes(1000);
                        assertTrue(worker.index() < threads);
                        runs.incrementAndGet(task);
                    });
                    for (int task = 0; task < tasks; task++) {
                        assertEquals(1, runs.get(task));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void rangesCoverAllItems(int threads) {
        try (WorkerPool pool = new WorkerPool(threads, memory)) {
            for (long items : new long[] {0, 1, 15, 16, 17, 10_007}) {
                AtomicLong sum = new AtomicLong();
                pool.forRanges(items, 16, (from, to, worker) -> {
                    for (long item = from; item < to; item++) {
                        sum.addAndGet(item + 1);
                    }
                });
                assertEquals(items * (items + 1) / 2, sum.get());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void exceptionsOfTasksReachTheCaller(int threads) {
        try (WorkerPool pool = new WorkerPool(threads, memory)) {
            IllegalArgumentException thrown = new IllegalArgumentException("seven");
            IllegalArgumentException caught = assertThrows(
                    IllegalArgumentException.class,
                    () -> pool.forEach(100, (task, worker) -> {
                        if (task == 7) {
                            throw thrown;
                        }
                    }));
            assertSame(thrown, caught);
            AtomicInteger runs = new AtomicInteger();
            pool.forEach(10, (task, worker) -> runs.incrementAndGet());
            assertEquals(10, runs.get(), "tasks after the failure");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void tasksCannotStartJobs(int threads) {
        try (WorkerPool pool = new WorkerPool(threads, memory)) {
            assertThrows(
                    IllegalStateException.class,
                    () -> pool.forEach(8, (task, worker) -> pool.forEach(1, (inner, other) -> {})));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void concurrentJobsRunOneAfterTheOther(int threads) throws InterruptedException {
        try (WorkerPool pool = new WorkerPool(threads, memory)) {
            AtomicInteger inside = new AtomicInteger();
            AtomicInteger total = new AtomicInteger();
            AtomicInteger failures = new AtomicInteger();
            List<Thread> callers = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                Thread caller = new Thread(() -> {
                    for (int repeat = 0; repeat < 200; repeat++) {
                        pool.forEach(threads * 3, (task, worker) -> {
                            if (inside.incrementAndGet() > threads) {
                                failures.incrementAndGet();
                            }
                            total.incrementAndGet();
                            inside.decrementAndGet();
                        });
                    }
                });
                callers.add(caller);
                caller.start();
            }
            for (Thread caller : callers) {
                caller.join();
            }
            assertEquals(0, failures.get(), "more concurrent tasks than threads");
            assertEquals(4 * 200 * threads * 3, total.get());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void closedPoolRejectsJobs(int threads) {
        WorkerPool pool = new WorkerPool(threads, memory);
        pool.close();
        pool.close();
        assertThrows(IllegalStateException.class, () -> pool.forEach(1, (task, worker) -> {}));
    }
}
