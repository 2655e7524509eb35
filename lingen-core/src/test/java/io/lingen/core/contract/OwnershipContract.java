package io.lingen.core.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.op.DiagonalScanWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.LinearParameters;
import io.lingen.core.op.LinearWeights;
import io.lingen.core.op.Padding;
import io.lingen.core.op.PatchSize;
import io.lingen.core.op.Rotation;
import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanOrder;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import io.lingen.core.op.Windows;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** The contract of ownership: every operation rejects tensors and workspaces of another instance of the backend in any argument. */
public abstract class OwnershipContract extends BackendContract {
    private static final Grid GRID = new Grid(2, 2, 2);
    private static final ScanPath PATH = new ScanPath(GRID, null, ScanOrder.of("thw", false), false);

    private Backend other;
    private Workspace foreign;

    @BeforeEach
    final void openOther() {
        other = newBackend();
        foreign = other.newWorkspace();
    }

    @AfterEach
    final void closeOther() {
        foreign.close();
        other.close();
    }

    /** An operation on tensors of valid shapes. */
    private interface Operation {
        void run(Tensor... tensors);
    }

    /** Runs an operation with its own tensors, then with each of them replaced by a tensor or a view of the other instance. */
    private void check(Operation operation, long[]... shapes) {
        Tensor[] own = new Tensor[shapes.length];
        for (int i = 0; i < own.length; i++) {
            own[i] = workspace().allocate(DType.F32, shapes[i]);
            backend().normal(i, own[i]);
        }
        operation.run(own);
        for (int i = 0; i < own.length; i++) {
            Tensor[] mixed = own.clone();
            mixed[i] = foreign.allocate(DType.F32, shapes[i]);
            assertRejected("tensor", () -> operation.run(mixed));
            mixed[i] = mixed[i].reshape(Shape.of(mixed[i].shape().elements())).reshape(Shape.of(shapes[i]));
            assertRejected("tensor", () -> operation.run(mixed));
        }
    }

    private void assertRejected(String what, Executable call) {
        long operations = backend().operations().total();
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertTrue(
                message.contains(
                        "the " + what + " must belong to this " + backend().name() + " backend"),
                message);
        assertEquals(operations, backend().operations().total(), "rejected calls are not counted");
    }

    private static long[] shape(long... lengths) {
        return lengths;
    }

    @Test
    void workspaces() {
        HostTensor host = HostTensor.of(new float[6], 2, 3);
        assertRejected("workspace", () -> backend().upload(foreign, host, DType.F32));
        assertRejected("workspace", () -> backend().borrow(foreign, host));
        assertRejected("workspace", () -> backend().packLinear(foreign, new LinearParameters(host, null), DType.F32));
        ConvolutionParameters convolution = new ConvolutionParameters(
                HostTensor.of(new float[9], 1, 1, 1, 3, 3), HostTensor.of(new float[1], 1), Dims3.ONE, Padding.NONE);
        assertRejected("workspace", () -> backend().packConvolution(foreign, convolution, DType.F32));
        assertEquals(0, other.memory().liveBytes());
    }

    @Test
    void transfers() {
        Tensor tensor = foreign.allocate(DType.F32, 2, 3);
        assertRejected("tensor", () -> backend().write(HostTensor.of(new float[6], 2, 3), tensor));
        assertRejected("tensor", () -> backend().download(tensor));
        assertRejected("tensor", () -> backend().download(tensor, new float[6]));
        assertRejected("tensor", () -> backend().downloadPixels(tensor, new byte[6]));
    }

    @Test
    void elementwise() {
        check(t -> backend().copy(t[0], t[1]), shape(2, 3), shape(2, 3));
        check(t -> backend().add(t[0], t[1], t[2]), shape(2, 3), shape(2, 3), shape(2, 3));
        check(t -> backend().multiply(t[0], t[1], t[2]), shape(2, 3), shape(2, 3), shape(2, 3));
        check(t -> backend().addScaled(2, t[0], t[1]), shape(2, 3), shape(2, 3));
        check(t -> backend().interpolate(t[0], t[1], 0.5f, t[2]), shape(2, 3), shape(2, 3), shape(2, 3));
        check(t -> backend().normal(1, t[0]), shape(2, 3));
    }

    @Test
    void tokens() {
        PatchSize patch = new PatchSize(1, 2, 2);
        check(t -> backend().patchify(t[0], patch, t[1]), shape(3, 2, 4, 4), shape(8, 12));
        check(t -> backend().unpatchify(t[0], patch, t[1]), shape(8, 12), shape(3, 2, 4, 4));
        check(
                t -> backend().addPosition(t[0], t[1], t[2], t[3], GRID, t[4]),
                shape(8, 4),
                shape(2, 4),
                shape(2, 4),
                shape(2, 4),
                shape(8, 4));
        check(
                t -> backend().rotate(new Heads(t[0], 0, 2, 6), new Rotation(GRID, t[1], t[2], t[3])),
                shape(8, 12),
                shape(2, 2),
                shape(2, 2),
                shape(2, 2));
        check(t -> backend().averagePool(t[0], GRID, new Dims3(1, 2, 2), t[1]), shape(8, 4), shape(2, 4));
    }

    @Test
    void norms() {
        check(
                t -> backend().modulatedLayerNorm(t[0], t[1], t[2], 1e-6f, t[3]),
                shape(3, 4),
                shape(4),
                shape(4),
                shape(3, 4));
        check(
                t -> backend().gatedRmsNorm(t[0], t[1], t[2], 1e-6f, t[3]),
                shape(3, 4),
                shape(3, 4),
                shape(4),
                shape(3, 4));
        check(t -> backend().rmsNorm(t[0], t[1], 1e-6f, true, t[2]), shape(3, 4), shape(4), shape(3, 4));
        check(t -> backend().headRmsNorm(new Heads(t[0], 0, 2, 4), t[1], 1e-6f), shape(3, 8), shape(4));
        check(
                t -> backend().groupNorm(t[0], 2, t[1], t[2], 1e-6f, true, t[3]),
                shape(1, 2, 2, 4),
                shape(4),
                shape(4),
                shape(1, 2, 2, 4));
    }

    @Test
    void products() {
        LinearWeights linear = layer(DType.F32, 4, 5, true).weights();
        check(t -> backend().linear(t[0], linear, Epilogue.gatedAdd(t[1]), t[2]), shape(3, 4), shape(5), shape(3, 5));
        ConvolutionWeights convolution = backend()
                .packConvolution(
                        workspace(),
                        new ConvolutionParameters(
                                HostTensor.of(normals(1, 5 * 4 * 9), 5, 4, 1, 3, 3),
                                HostTensor.of(new float[5], 5),
                                Dims3.ONE,
                                Padding.same(new Dims3(1, 3, 3))),
                        DType.F32);
        check(t -> backend().convolution(t[0], convolution, t[1]), shape(1, 3, 3, 4), shape(1, 3, 3, 5));
        check(t -> backend().upsampleNearest(t[0], new Dims3(1, 2, 2), t[1]), shape(1, 2, 2, 3), shape(1, 4, 4, 3));
    }

    @Test
    void depthwiseConvolution() {
        check(
                t -> backend().gatedDepthwiseConvolution(t[0], GRID, t[1], t[2], t[3]),
                shape(8, 6),
                shape(6, 3, 3),
                shape(6),
                shape(8, 3));
    }

    @Test
    void linearAttention() {
        check(
                t -> backend()
                        .linearAttention(
                                new Heads(t[0], 0, 2, 6),
                                new Heads(t[1], 0, 2, 6),
                                new Heads(t[2], 0, 2, 6),
                                new Rotation(GRID, t[3], t[4], t[5]),
                                t[6]),
                shape(8, 12),
                shape(8, 12),
                shape(8, 12),
                shape(2, 2),
                shape(2, 2),
                shape(2, 2),
                shape(8, 12));
    }

    @Test
    void attention() {
        check(
                t -> backend()
                        .attention(
                                new Heads(t[0], 0, 2, 4),
                                new Heads(t[1], 0, 2, 4),
                                new Heads(t[2], 0, 2, 4),
                                t[3],
                                t[4]),
                shape(3, 8),
                shape(5, 8),
                shape(5, 8),
                shape(5),
                shape(3, 8));
        Windows windows = new Windows(new Dims3(1, 2, 2), false);
        check(
                t -> backend()
                        .windowAttention(
                                new Heads(t[0], 0, 2, 4),
                                new Heads(t[1], 0, 2, 4),
                                new Heads(t[2], 0, 2, 4),
                                GRID,
                                windows,
                                t[3],
                                t[4]),
                shape(8, 8),
                shape(8, 8),
                shape(8, 8),
                shape(2, 9),
                shape(8, 8));
    }

    @Test
    void scans() {
        ScanSpec spec = new ScanSpec(8, 4, 1, 4, 3, 4);
        check(
                t -> backend()
                        .selectiveScan(
                                new ScanInput(t[0], 0, 8, 12, 16),
                                PATH,
                                spec,
                                new ScanWeights(t[1], t[2], t[3], t[4], t[5]),
                                false,
                                t[6]),
                shape(8, 18),
                shape(16, 3),
                shape(16),
                shape(2),
                shape(2),
                shape(2),
                shape(8, 8));
        check(
                t -> backend().causalConvolution(t[0], 0, PATH, t[1], t[2], t[3]),
                shape(8, 4),
                shape(4, 3),
                shape(4),
                shape(8, 4));
        check(
                t -> backend()
                        .diagonalScan(
                                t[0], t[1], t[2], 0, 3, PATH, new DiagonalScanWeights(t[3], t[4], t[5]), false, t[6]),
                shape(8, 4),
                shape(8, 4),
                shape(8, 6),
                shape(4),
                shape(4, 3),
                shape(4),
                shape(8, 4));
    }
}
