package io.lingen.core.nd4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.OutOfMemoryException;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

/** Tests of the memory of the reference backend. */
final class Nd4jMemoryTest {
    @Test
    void intermediateResultsAreFreed() {
        try (Backend backend = new Backend(new Nd4jKernels(new BackendOptions(1)));
                Workspace workspace = backend.newWorkspace()) {
            Tensor x = workspace.allocate(DType.F32, 1 << 10, 1 << 10);
            Tensor shift = workspace.allocate(DType.F32, 1 << 10);
            backend.normal(1, x);
            backend.normal(2, shift);
            backend.modulatedLayerNorm(x, shift, shift, 1e-6f, x);
            long before = Pointer.physicalBytes();
            // Each call has about 20 MB of intermediate results.
            for (int i = 0; i < 40; i++) {
                backend.modulatedLayerNorm(x, shift, shift, 1e-6f, x);
            }
            long grown = Pointer.physicalBytes() - before;
            assertTrue(
                    grown < 200 << 20,
                    "memory must not grow by the intermediate results, 800 MB, found " + (grown >> 20) + " MB");
        }
    }

    @Test
    void oversizedAllocationsFail() {
        try (Backend backend = new Backend(new Nd4jKernels(new BackendOptions(1)))) {
            try (Workspace workspace = backend.newWorkspace()) {
                OutOfMemoryException e =
                        assertThrows(OutOfMemoryException.class, () -> workspace.allocate(DType.F32, 1L << 40));
                assertTrue(e.getMessage().contains("maxbytes"), e.getMessage());
            }
            assertEquals(0, backend.memory().liveBytes());
        }
    }
}
