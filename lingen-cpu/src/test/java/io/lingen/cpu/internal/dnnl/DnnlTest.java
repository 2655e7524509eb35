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

/** Opening, sharing among threads, and leaving the caller's thread as it was. */
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
        assertEquals(0, memory.usedBytes(), "memory that a closed library holds");
        memory.close();
    }

    private Dnnl dnnl() {
        assertNotNull(opened);
        return opened;
    }

    @Test
    void thePropertySwitchesItOff() {
        System.setProperty(Dnnl.PROPERTY, "false");
        try {
            assertNull(Dnnl.open(WORKERS, memory));
        } finally {
            System.clearProperty(Dnnl.PROPERTY);
        }
    }

    /** As linear layers have them, narrow and wide, for few rows and many. */
    @ParameterizedTest
    @CsvSource({"1, 192, 192", "64, 192, 768", "64, 768, 192", "256, 2560, 2560"})
    void noLinearLayerIsLeftToTheSlowReference(int m, int k, int n) {
        for (DType dtype : new DType[] {DType.F32, DType.BF16}) {
            DType products = dnnl().productType(dtype);
            for (After after : After.values()) {
                for (boolean bias : new boolean[] {false, true}) {
                    MatmulShape product =
                            MatmulShape.packed(m, k, n, products, after.adds() ? DType.F32 : products, bias, after);
                    assertFalse(dnnl().products().isReference(product), product::toString);
                }
            }
        }
    }

    @Test
    void aShapeIsCompiledOnce() {
        assertSame(dnnl().products().of(SQUARE), dnnl().products().of(SQUARE));
    }

    @Test
    void theLongestUnusedAreFreedWhenThereAreTooMany() {
        Primitive square = dnnl().products().of(SQUARE);
        for (int rows = 1; rows <= 3 * Dnnl.MOST_PRIMITIVES; rows++) {
            dnnl().begin();
            assertSame(square, dnnl().products().of(SQUARE), "what is used stays");
            dnnl().products()
                    .of(new MatmulShape(rows, 8, 8, DType.F32, 8, 1, DType.F32, 8, 1, DType.F32, 8, false, After.NONE));
            dnnl().end();
            assertTrue(dnnl().primitives() <= Dnnl.MOST_PRIMITIVES + 2, dnnl().primitives() + " primitives");
        }
    }

    /** Every worker multiplies numbers of its own by the same primitive, many times at once. */
    @Test
    void workersShareAPrimitive() {
        int rounds = 200;
        long matrix = (long) N * N * Float.BYTES;
        SizeClassAllocator.Block block = memory.allocate(3 * rounds * matrix);
        AtomicInteger wrong = new AtomicInteger();
        try (WorkerPool pool = new WorkerPool(WORKERS, memory)) {
            Primitive product = dnnl().products().of(SQUARE);
            pool.forEach(rounds, (task, worker) -> {
                long a = block.address() + 3 * task * matrix;
                for (int i = 0; i < N * N; i++) {
                    RawMemory.setFloat(a + 4L * i, task);
                    RawMemory.setFloat(a + matrix + 4L * i, 1);
                }
                product.execute(worker, a, a + matrix, a + 2 * matrix);
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
    void theCallersThreadKeepsItsOpenMpThreads() {
        int before = DnnlCalls.threads();
        DnnlCalls.setThreads(5);
        SizeClassAllocator.Block block = memory.allocate(3L * N * N * Float.BYTES);
        try (WorkerPool pool = new WorkerPool(1, memory)) {
            Primitive product = dnnl().products().of(SQUARE);
            pool.forEach(1, (task, worker) -> {
                long a = block.address();
                product.execute(worker, a, a + (long) N * N * Float.BYTES, a + 2L * N * N * Float.BYTES);
            });
            assertEquals(5, DnnlCalls.threads());
        } finally {
            memory.release(block);
            DnnlCalls.setThreads(before);
        }
    }
}
