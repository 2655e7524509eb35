package io.lingen.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LifetimeTest {
    private final Lifetime lifetime = new Lifetime("the lamp");
    private final AtomicInteger freed = new AtomicInteger();

    @Test
    void shutdownWaitsForUsesAndRejectsLaterOnes() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            Future<Integer> use = threads.submit(() -> lifetime.use(() -> {
                inside.countDown();
                await(leave);
                // Work that is under way may call for more.
                return lifetime.use(freed::get);
            }));
            inside.await();
            Future<?> end = threads.submit(() -> lifetime.shutdown(freed::incrementAndGet));
            while (!lifetime.isShuttingDown()) {
                Thread.onSpinWait();
            }
            IllegalStateException error = assertThrows(IllegalStateException.class, () -> lifetime.use(freed::get));
            assertEquals("the lamp is closed; load another one", error.getMessage());
            assertFalse(end.isDone());
            leave.countDown();
            assertEquals(0, use.get(), "freed under a use");
            end.get();
        }
        assertEquals(1, freed.get());
        lifetime.shutdown(freed::incrementAndGet);
        assertEquals(1, freed.get(), "freed once");
        assertThrows(
                UnsupportedOperationException.class,
                () -> lifetime.use(freed::get, UnsupportedOperationException::new));
        lifetime.unlessShutDown(freed::incrementAndGet);
        assertEquals(1, freed.get());
    }

    @Test
    void partsCanBeFreedEarlyAndDuringShutdown() {
        lifetime.unlessShutDown(freed::incrementAndGet);
        lifetime.shutdown(() -> lifetime.unlessShutDown(freed::incrementAndGet));
        assertEquals(2, freed.get());
    }

    @Test
    void shutdownWithinAUseIsRejected() {
        AtomicBoolean used = new AtomicBoolean();
        lifetime.use(() -> {
            assertThrows(IllegalStateException.class, () -> lifetime.shutdown(freed::incrementAndGet));
            used.set(true);
            return true;
        });
        assertTrue(used.get());
        assertEquals(0, freed.get());
    }

    private static void await(CountDownLatch latch) {
        try {
            assertTrue(latch.await(30, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
