package io.lingen.cpu.internal.dnnl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lingen.core.DType;
import io.lingen.cpu.internal.RawMemory;
import io.lingen.cpu.internal.SizeClassAllocator;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.dnnl.MatmulShape.After;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tests the cache of primitives, their use by several threads, and the state of the calling thread. */
class DnnlTest {
    private static final int WORKERS = 3;
    private static final int N = 64;
    private static final MatmulShape SQUARE =
            new MatmulShape(N, N, N, DType.F32, N, 1, DType.F32, N, 1, DType.F32, N, false, After.NONE);

    private SizeClassAllocator memory = new SizeClassAllocator();
    private @Nullable Dnnl opened;

    @BeforeEach
    void open() {
        memory = new SizeClassAllocator();
        opened = Dnnl.open(WORKERS, memory);
        assumeTrue(opened != null, "no oneDNN for this platform");
    }

    @AfterEach
    void close() {
        if (opened != null) {
            opened.close();
        }
        assertEquals(0, memory.usedBytes(), "memory after the library is closed");
        memory.close();
    }

    private Dnnl dnnl() {
        assertNotNull(opened);
        return opened;
    }

    @Test
    void propertyDisablesTheLibrary() {
        System.setProperty(Dnnl.PROPERTY, "false");
        try {
            assertNull(Dnnl.open(WORKERS, memory));
        } finally {
            System.clearProperty(Dnnl.PROPERTY);
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 192, 192", "64, 192, 768", "64, 768, 192", "256, 2560, 2560"})
    void linearLayersHaveFastImplementations(int m, int k, int n) {
        for (DType dtype : new DType[] {DType.F32, DType.BF16}) {
            DType operands = dnnl().gemmType(dtype);
            for (After after : After.values()) {
                for (boolean bias : new boolean[] {false, true}) {
                    MatmulShape shape =
                            MatmulShape.packed(m, k, n, operands, after.adds() ? DType.F32 : operands, bias, after);
                    assertFalse(dnnl().matmuls().isReference(shape), shape::toString);
                }
            }
        }
    }

    @Test
    void primitivesAreCached() {
        assertSame(dnnl().matmuls().of(SQUARE), dnnl().matmuls().of(SQUARE));
    }

    @Test
    void leastRecentlyUsedPrimitivesAreFreed() {
        Primitive square = dnnl().matmuls().of(SQUARE);
        for (int rows = 1; rows <= 3 * Dnnl.MAX_PRIMITIVES; rows++) {
            dnnl().begin();
            assertSame(square, dnnl().matmuls().of(SQUARE), "the used primitive is kept");
            dnnl().matmuls()
                    .of(new MatmulShape(rows, 8, 8, DType.F32, 8, 1, DType.F32, 8, 1, DType.F32, 8, false, After.NONE));
            dnnl().end();
            assertTrue(dnnl().primitives() <= Dnnl.MAX_PRIMITIVES + 2, dnnl().primitives() + " primitives");
        }
    }

    @Test
    void workersShareAPrimitive() {
        int rounds = 200;
        long matrix = (long) N * N * Float.BYTES;
        SizeClassAllocator.Block block = memory.allocate(3 * rounds * matrix);
        AtomicInteger wrong = new AtomicInteger();
        try (WorkerPool pool = new WorkerPool(WORKERS, memory)) {
            Primitive matmul = dnnl().matmuls().of(SQUARE);
            pool.forEach(rounds, (task, worker) -> {
                long a = block.address() + 3 * task * matrix;
                for (int i = 0; i < N * N; i++) {
                    RawMemory.setFloat(a + 4L * i, task);
                    RawMemory.setFloat(a + matrix + 4L * i, 1);
                }
                matmul.execute(worker, a, a + matrix, a + 2 * matrix);
                for (int i = 0; i < N * N; i++) {
                    if (RawMemory.getFloat(a + 2 * matrix + 4L * i) != N * task) {
                        wrong.incrementAndGet();
                    }
                }
            });
        } finally {
            memory.release(block);
        }
        assertEquals(0, wrong.get());
    }

    @Test
    void openMpThreadsOfTheCallerAreRestored() {
        int before = DnnlCalls.threads();
        DnnlCalls.setThreads(5);
        SizeClassAllocator.Block block = memory.allocate(3L * N * N * Float.BYTES);
        try (WorkerPool pool = new WorkerPool(1, memory)) {
            Primitive matmul = dnnl().matmuls().of(SQUARE);
            pool.forEach(1, (task, worker) -> {
                long a = block.address();
                matmul.execute(worker, a, a + (long) N * N * Float.BYTES, a + 2L * N * N * Float.BYTES);
            });
            assertEquals(5, DnnlCalls.threads());
        } finally {
            memory.release(block);
            DnnlCalls.setThreads(before);
        }
    }
}
