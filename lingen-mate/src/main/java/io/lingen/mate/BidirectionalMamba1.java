package io.lingen.mate;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.WeightReader;
import io.lingen.core.op.DiagonalScanWeights;
import io.lingen.core.op.ScanPath;

/**
 * The ablation that has Mamba1 (Gu and Dao, 2023) for Mamba2: a decay per channel and state entry, and dt, B and C projected from the
 * convolved x.
 */
final class BidirectionalMamba1 extends BidirectionalMamba {
    private final Backend backend;
    private final DType precision;
    private final Direction forward;
    private final Direction backward;

    BidirectionalMamba1(
            Backend backend,
            Workspace workspace,
            WeightReader reader,
            MambaConfig config,
            int hiddenSize,
            DType precision) {
        super(
                backend,
                workspace,
                reader,
                config.innerWidth(hiddenSize),
                config.innerWidth(hiddenSize),
                hiddenSize,
                precision);
        this.backend = backend;
        this.precision = precision;
        this.forward = new Direction(workspace, reader.under("fwd."), config, hiddenSize);
        this.backward = new Direction(workspace, reader.under("bwd."), config, hiddenSize);
    }

    @Override
    void scan(Tensor projection, ScanPath forwardPath, ScanPath backwardPath, Tensor y) {
        forward.scan(projection, forwardPath, false, y);
        backward.scan(projection, backwardPath, true, y);
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
            dtLowRank = project(backend, workspace, projection.slice(0, rank), precision);
            bcProjection = project(backend, workspace, projection.slice(rank, rank + 2L * n), precision);
            dtProjection = project(backend, workspace, reader.tensor("dt_proj.weight", di, rank), precision);
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
