package io.lingen.mate;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.internal.PhiloxNormal;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanOrder;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import io.lingen.core.op.Windows;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tests identities that hold for all weights. They find errors that a comparison with another implementation could share. */
class MateAlgebraTest {
    private static final double TOLERANCE = 2e-6;

    private Backend backend;
    private Workspace workspace;
    private long seed;

    @BeforeEach
    void open() {
        backend = Backends.create("cpu", new BackendOptions(2));
        workspace = backend.newWorkspace();
        seed = 1;
    }

    @AfterEach
    void close() {
        workspace.close();
        backend.close();
    }

    @Test
    void bidirectionalScanIsForwardPlusReversed() {
        Grid grid = new Grid(3, 5, 7);
        ScanSpec spec = new ScanSpec(16, 8, 2, 4, 4, 16);
        Tensor projection = normal(1, 0, 105, 16 + 2 * 16 + 4);
        ScanWeights weights = scanWeights(spec);
        ScanInput input = new ScanInput(projection, 0, 16, 32, 48);
        ScanOrder order = ScanOrder.of("hwt", false);
        Tensor both = workspace.allocate(DType.F32, 105, 16);
        backend.selectiveScan(input, new ScanPath(grid, null, order, false), spec, weights, false, both);
        backend.selectiveScan(input, new ScanPath(grid, null, order, true), spec, weights, true, both);

        Tensor forward = workspace.allocate(DType.F32, 105, 16);
        backend.selectiveScan(input, new ScanPath(grid, null, order, false), spec, weights, false, forward);
        // The backward direction equals a forward scan over the rows in reversed order.
        float[] reversedRows = new float[105 * 52];
        float[] rows = backend.download(projection).toFloats();
        for (int step = 0; step < 105; step++) {
            System.arraycopy(rows, (int) order.row(grid, 104 - step) * 52, reversedRows, step * 52, 52);
        }
        Tensor reversed = workspace.allocate(DType.F32, 105, 16);
        backend.selectiveScan(
                new ScanInput(upload(reversedRows, 105, 52), 0, 16, 32, 48),
                new ScanPath(new Grid(1, 1, 105), null, ScanOrder.of("thw", false), false),
                spec,
                weights,
                false,
                reversed);
        float[] sum = backend.download(forward).toFloats();
        float[] backwards = backend.download(reversed).toFloats();
        for (int step = 0; step < 105; step++) {
            int row = (int) order.row(grid, 104 - step);
            for (int c = 0; c < 16; c++) {
                sum[row * 16 + c] += backwards[step * 16 + c];
            }
        }
        assertClose(sum, both);
    }

    @Test
    void reviewTokensDoNotAffectTheBackwardScan() {
        Grid grid = new Grid(2, 3, 5);
        Grid review = new Grid(1, 2, 3);
        ScanSpec spec = new ScanSpec(8, 4, 1, 4, 4, 8);
        int columns = 8 + 8 + 2;
        Tensor projection = normal(1, 0, 36, columns);
        ScanWeights weights = scanWeights(spec);
        Tensor kept = workspace.allocate(DType.F32, 30, 8);
        ScanOrder order = ScanOrder.of("thw", false);
        backend.selectiveScan(
                new ScanInput(projection, 0, 8, 12, 16),
                new ScanPath(grid, review, order, true),
                spec,
                weights,
                false,
                kept);
        // The definition has the review tokens last.
        float[] rows = backend.download(projection).toFloats();
        float[] reversed = new float[rows.length];
        for (int row = 0; row < 36; row++) {
            System.arraycopy(rows, row * columns, reversed, (35 - row) * columns, columns);
        }
        Tensor whole = workspace.allocate(DType.F32, 36, 8);
        backend.selectiveScan(
                new ScanInput(upload(reversed, 36, columns), 0, 8, 12, 16),
                new ScanPath(new Grid(1, 1, 36), null, order, false),
                spec,
                weights,
                false,
                whole);
        float[] expected = new float[30 * 8];
        float[] all = backend.download(whole).toFloats();
        for (int row = 0; row < 30; row++) {
            System.arraycopy(all, row * 8, expected, (29 - row) * 8, 8);
        }
        assertClose(expected, kept);
    }

    @Test
    void chunkSizeDoesNotAffectTheResult() {
        Grid grid = new Grid(5, 6, 7);
        Tensor projection = normal(1, 0, 210, 16 + 2 * 16 + 4);
        float[] expected = null;
        for (int chunk : new int[] {1, 2, 7, 64, 209, 210, 1000}) {
            ScanSpec spec = new ScanSpec(16, 16, 1, 4, 4, chunk);
            seed = 7;
            Tensor y = workspace.allocate(DType.F32, 210, 16);
            backend.selectiveScan(
                    new ScanInput(projection, 0, 16, 32, 48),
                    new ScanPath(grid, null, ScanOrder.of("twh", false), false),
                    spec,
                    scanWeights(spec),
                    false,
                    y);
            if (expected == null) {
                expected = backend.download(y).toFloats();
            }
            assertClose(expected, y);
        }
    }

    @Test
    void windowOfTheGridsSizeIsFullAttention() {
        Grid grid = new Grid(3, 4, 5);
        Tensor qkv = normal(1, 0, 60, 3 * 24);
        Heads q = new Heads(qkv, 0, 3, 8);
        Heads k = new Heads(qkv, 24, 3, 8);
        Heads v = new Heads(qkv, 48, 3, 8);
        Tensor full = workspace.allocate(DType.F32, 60, 24);
        backend.attention(q, k, v, null, full);
        for (boolean shifted : new boolean[] {false, true}) {
            for (Dims3 window : List.of(new Dims3(3, 4, 5), new Dims3(16, 16, 16))) {
                Tensor windowed = workspace.allocate(DType.F32, 60, 24);
                backend.windowAttention(q, k, v, grid, new Windows(window, shifted), null, windowed);
                assertClose(backend.download(full).toFloats(), windowed);
            }
        }
    }

    @Test
    void shiftedWindowsEqualMaskedCyclicSwin() {
        Grid grid = new Grid(8, 6, 4);
        Dims3 window = new Dims3(4, 3, 2);
        int width = 8;
        Tensor qkv = normal(1, 0, grid.cells(), 3L * width);
        Tensor found = workspace.allocate(DType.F32, grid.cells(), width);
        backend.windowAttention(
                new Heads(qkv, 0, 2, 4),
                new Heads(qkv, width, 2, 4),
                new Heads(qkv, 2L * width, 2, 4),
                grid,
                new Windows(window, true),
                null,
                found);
        assertClose(CyclicSwin.attention(backend.download(qkv).toFloats(), grid, window, 2, 4), found);
    }

    @Test
    void reviewTokensAverageExistingTokens() {
        Grid grid = new Grid(3, 2, 1);
        ReviewTokens review = new ReviewTokens(new Dims3(2, 2, 2));
        Tensor sequence = upload(new float[] {0, 0, 1, 2, 3, 4, 5, 7}, 8, 1);
        review.fill(backend, sequence, grid);
        assertClose(new float[] {2.5f, 6, 1, 2, 3, 4, 5, 7}, sequence);
    }

    private ScanWeights scanWeights(ScanSpec spec) {
        return new ScanWeights(
                normal(.5f, 0, spec.channels(), spec.convWidth()),
                normal(.1f, 0, spec.channels()),
                normal(1, -2, spec.heads()),
                normal(1, 0, spec.heads()),
                normal(1, 0, spec.heads()));
    }

    private Tensor normal(float deviation, float mean, long... lengths) {
        float[] values = new float[(int) Shape.of(lengths).elements()];
        PhiloxNormal.fill(seed++, 0, values, 0, values.length);
        for (int i = 0; i < values.length; i++) {
            values[i] = mean + deviation * values[i];
        }
        return upload(values, lengths);
    }

    private Tensor upload(float[] values, long... lengths) {
        return backend.upload(workspace, HostTensor.of(values, lengths), DType.F32);
    }

    private void assertClose(float[] expected, Tensor found) {
        float[] values = backend.download(found).toFloats();
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            double error = values[i] - expected[i];
            difference += error * error;
            norm += (double) expected[i] * expected[i];
        }
        double relative = Math.sqrt(difference / norm);
        assertTrue(relative <= TOLERANCE, "relative error " + relative + ", at most " + TOLERANCE);
    }
}
