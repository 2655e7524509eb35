package io.lingen.mate;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.DiagonalScanWeights;
import io.lingen.core.op.ScanPath;

/**
 * The ablation with Mamba1 (Gu and Dao, 2023) in place of Mamba2. Every channel and state entry has its own decay, and dt, B and C are
 * projected from the convolved x.
 */
final class BidirectionalMamba1 extends BidirectionalMamba {
    private final Direction forward;
    private final Direction backward;

    BidirectionalMamba1(ModelWeights weights, MambaConfig config, int hiddenSize) {
        super(weights, config.innerWidth(hiddenSize), config.innerWidth(hiddenSize), hiddenSize);
        this.forward = new Direction(weights.under("fwd"), config, hiddenSize);
        this.backward = new Direction(weights.under("bwd"), config, hiddenSize);
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
        private final DiagonalScanWeights scanWeights;

        private Direction(ModelWeights weights, MambaConfig config, int hiddenSize) {
            int di = config.innerWidth(hiddenSize);
            int rank = config.dtRank(hiddenSize);
            int n = config.stateSize();
            HostTensor projection = weights.host("x_proj.weight", rank + 2L * n, di);
            convWeight = weights.tensor("conv.weight", di, config.convWidth());
            convBias = weights.vector("conv.bias", di);
            dtLowRank = weights.linear(projection.slice(0, rank), null);
            bcProjection = weights.linear(projection.slice(rank, rank + 2L * n), null);
            dtProjection = weights.linearWithoutBias("dt_proj", rank, di);
            scanWeights = new DiagonalScanWeights(
                    weights.vector("dt_proj.bias", di), weights.tensor("A_log", di, n), weights.vector("D", di));
        }

        private void scan(Tensor x, ScanPath path, boolean accumulate, Tensor y) {
            try (Workspace workspace = backend.newWorkspace()) {
                Tensor convolved = workspace.allocate(precision, x.shape()); // [R + N, di]
                backend.causalConvolution(x, 0, path, convWeight, convBias, convolved);
                Tensor lowRank = dtLowRank.apply(workspace, convolved, precision); // [R + N, rank]
                Tensor dt = dtProjection.apply(workspace, lowRank, DType.F32); // [R + N, di]
                Tensor bc = bcProjection.apply(workspace, convolved, precision); // [R + N, 2n]
                long n = scanWeights.aLog().shape().last();
                backend.diagonalScan(convolved, dt, bc, 0, n, path, scanWeights, accumulate, y);
            }
        }
    }
}
