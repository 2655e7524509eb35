package io.lingen.mate;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.ScanOrder;
import io.lingen.core.op.ScanPath;
import org.jspecify.annotations.Nullable;

/**
 * A bidirectional state space model whose directions share one input and one output projection. Their sum is gated and normed once
 * (specification, section 3).
 *
 * <p>The input projection is packed in two parts, because z is needed for the kept tokens only and the input of the scans for the review
 * tokens as well.
 */
abstract class BidirectionalMamba implements Mamba {
    static final float NORM_EPSILON = 1e-5f;

    final Backend backend;
    final DType precision;
    private final Linear zProjection; // d -> di
    private final Linear scanProjection; // d -> input of the scans
    private final Tensor normWeight; // [di]
    private final Linear outProjection; // di -> d

    /**
     * Loads the shared projections and the norm.
     *
     * @param scanColumns the number of rows of in_proj after those of z
     */
    BidirectionalMamba(ModelWeights weights, int innerWidth, int scanColumns, int hiddenSize) {
        int rows = innerWidth + scanColumns;
        HostTensor inProjection = weights.host("in_proj.weight", rows, hiddenSize);
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.zProjection = weights.linear(inProjection.slice(0, innerWidth), null);
        this.scanProjection = weights.linear(inProjection.slice(innerWidth, rows), null);
        this.normWeight = weights.vector("norm.weight", innerWidth);
        this.outProjection = weights.linearWithoutBias("out_proj", innerWidth, hiddenSize);
    }

    /**
     * Computes y, the sum of both directions.
     *
     * @param projection [review + N, columns]
     * @param y [N, di]
     */
    abstract void scan(Tensor projection, ScanPath forward, ScanPath backward, Tensor y);

    @Override
    public final void addTo(
            Tensor residual,
            Tensor gate,
            Tensor sequence,
            Grid grid,
            @Nullable Grid review,
            ScanOrder order,
            Taps taps) {
        ScanPath forward = new ScanPath(grid, review, order, false);
        ScanPath backward = new ScanPath(grid, review, order, true);
        Tensor tokens = sequence.slice(forward.prefixCells(), forward.rows()); // [N, d]
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor y = workspace.allocate(
                    precision, grid.cells(), normWeight.shape().last()); // [N, di]
            try (Workspace scans = backend.newWorkspace()) {
                scan(scanProjection.apply(scans, sequence, precision), forward, backward, y);
            }
            Tensor z = zProjection.apply(workspace, tokens, precision); // [N, di]
            backend.gatedRmsNorm(y, z, normWeight, NORM_EPSILON, y);
            outProjection.apply(y, Epilogue.gatedAdd(gate), residual, taps, "ma"); // [N, d]
        }
    }
}
