package io.lingen.core.dryrun;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.contract.OwnershipContract;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.LinearParameters;
import io.lingen.core.op.LinearWeights;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Tests of the dry run: its counts, and its checks of shapes and ownership. */
final class DryRunTest {
    private final Backend backend = DryRun.exact().backend();

    @Test
    void bytesAndOperationsFollowFromTheShapes() {
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor x = workspace.allocate(DType.BF16, 5, 3);
            Tensor out = workspace.allocate(DType.F32, 5, 2);
            assertEquals(5 * 3 * 2 + 5 * 2 * 4, backend.memory().liveBytes());
            LinearWeights weights = backend.packLinear(
                    workspace,
                    new LinearParameters(HostTensor.of(new float[6], 2, 3), HostTensor.of(new float[2], 2)),
                    DType.BF16);
            assertEquals(30 + 40 + 6 * 2 + 2 * 4, backend.memory().liveBytes());
            backend.linear(x, weights, Epilogue.NONE, out);
            assertEquals(2 * 5 * 3 * 2, backend.operations().total());
            assertEquals(Shape.of(2, 3), x.slice(1, 3).shape());
            assertEquals(Shape.of(15), x.reshape(Shape.of(15)).shape());
        }
        assertEquals(0, backend.memory().liveBytes());
        assertEquals(90, backend.memory().peakBytes());
    }

    @Test
    void invalidShapesAreRejected() {
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor x = workspace.allocate(DType.F32, 5, 3);
            Tensor y = workspace.allocate(DType.F32, 5, 4);
            assertThrows(IllegalArgumentException.class, () -> backend.add(x, x, y));
            assertThrows(IllegalArgumentException.class, () -> x.slice(2, 6));
            assertThrows(IllegalArgumentException.class, () -> x.reshape(Shape.of(16)));
            assertThrows(IllegalArgumentException.class, () -> workspace.allocate(DType.I32, 1));
            assertThrows(UnsupportedOperationException.class, () -> backend.download(x));
        }
    }

    @Nested
    final class Ownership extends OwnershipContract {
        @Override
        protected Backend newBackend() {
            return DryRun.exact().backend();
        }
    }

    @Test
    void closedWorkspacesRejectAllocations() {
        Workspace workspace = backend.newWorkspace();
        workspace.close();
        workspace.close();
        assertThrows(IllegalStateException.class, () -> workspace.allocate(DType.F32, 1));
    }
}
