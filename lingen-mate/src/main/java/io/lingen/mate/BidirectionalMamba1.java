package io.lingen.mate;

import io.lingen.core.Backend;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.checkpoint.WeightReader;
import io.lingen.core.op.DiagonalScanWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.ScanOrder;
import io.lingen.core.op.ScanPath;
import org.jspecify.annotations.Nullable;

/**
 * The ablation that has Mamba1 for Mamba2: a decay per channel and state entry, dt, B and C projected from the convolved x. Gate, norm and
 * the outer projections are {@link BidirectionalMamba2}'s.
 */
final class BidirectionalMamba1 implements Mamba {
    private final Backend backend;
    private final DType precision;
    private final Linear zProjection; // d -> di
    private final Linear xProjection; // d -> di
    private final Direction forward;
    private final Direction backward;
    private final Tensor normWeight; // [di]
    private final Linear outProjection; // di -> d

    BidirectionalMamba1(
            Backend backend,
            Workspace workspace,
            WeightReader reader,
            MambaConfig config,
            int hiddenSize,
            DType precision) {
        int di = config.innerWidth(hiddenSize);
        HostTensor inProjection = reader.tensor("in_proj.weight", 2L * di, hiddenSize);
        this.backend = backend;
        this.precision = precision;
        this.zProjection = BidirectionalMamba2.project(backend, workspace, inProjection.slice(0, di), precision);
        this.xProjection = BidirectionalMamba2.project(backend, workspace, inProjection.slice(di, 2L * di), precision);
        this.forward = new Direction(workspace, reader.under("fwd."), config, hiddenSize);
        this.backward = new Direction(workspace, reader.under("bwd."), config, hiddenSize);
        this.normWeight = ScanDirection.upload(backend, workspace, reader, "norm.weight", di);
        this.outProjection =
                Linear.load(backend, workspace, reader.linearWithoutBias("out_proj", di, hiddenSize), precision);
    }

    @Override
    public void addTo(
            Tensor residual,
            Tensor gate,
            Tensor sequence,
            Grid grid,
            @Nullable Grid review,
            ScanOrder order,
            Taps taps) {
        ScanPath path = new ScanPath(grid, review, order, false);
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor y = workspace.allocate(
                    precision, grid.cells(), normWeight.shape().last()); // [N, di]
            try (Workspace scans = backend.newWorkspace()) {
                Tensor x = xProjection.apply(scans, sequence, precision); // [R + N, di]
                forward.scan(x, path, false, y);
                backward.scan(x, new ScanPath(grid, review, order, true), true, y);
            }
            Tensor tokens = sequence.slice(path.prefixCells(), path.rows());
            Tensor z = zProjection.apply(workspace, tokens, precision); // [N, di]
            backend.gatedRmsNorm(y, z, normWeight, BidirectionalMamba2.NORM_EPSILON, y);
            outProjection.apply(y, Epilogue.gatedAdd(gate), residual, taps, "ma"); // [N, d]
        }
    }

    private final class Direction {
        private final Tensor convWeight; // [di, taps]
        private final Tensor convBias; // [di]
        private final Linear dtLowRank; // di -> rank
        private final Linear bcProjection; // di -> B, C
        private final Linear dtProjection; // rank -> di; its bias is the scan's dt bias
        private final DiagonalScanWeights weights;

        private Direction(Workspace workspace, WeightReader reader, MambaConfig config, int hiddenSize) {
            int di = config.innerWidth(hiddenSize);
            int rank = config.dtRank(hiddenSize);
            int n = config.stateSize();
            HostTensor projection = reader.tensor("x_proj.weight", rank + 2L * n, di);
            convWeight = ScanDirection.upload(backend, workspace, reader, "conv.weight", di, config.convWidth());
            convBias = ScanDirection.upload(backend, workspace, reader, "conv.bias", di);
            dtLowRank = BidirectionalMamba2.project(backend, workspace, projection.slice(0, rank), precision);
            bcProjection =
                    BidirectionalMamba2.project(backend, workspace, projection.slice(rank, rank + 2L * n), precision);
            dtProjection = BidirectionalMamba2.project(
                    backend, workspace, reader.tensor("dt_proj.weight", di, rank), precision);
            weights = new DiagonalScanWeights(
                    ScanDirection.upload(backend, workspace, reader, "dt_proj.bias", di),
                    ScanDirection.upload(backend, workspace, reader, "A_log", di, n),
                    ScanDirection.upload(backend, workspace, reader, "D", di));
        }

        private void scan(Tensor x, ScanPath path, boolean accumulate, Tensor y) {
            try (Workspace workspace = backend.newWorkspace()) {
                Tensor convolved = workspace.allocate(precision, x.shape()); // [R + N, di]
                backend.causalConvolution(x, 0, path, convWeight, convBias, convolved);
                Tensor lowRank = dtLowRank.apply(workspace, convolved, precision); // [R + N, rank]
                Tensor dt = dtProjection.apply(workspace, lowRank, DType.F32); // [R + N, di]
                Tensor bc = bcProjection.apply(workspace, convolved, precision); // [R + N, 2n]
                long n = weights.aLog().shape().last();
                backend.diagonalScan(convolved, dt, bc, 0, n, path, weights, accumulate, y);
            }
        }
    }
}
