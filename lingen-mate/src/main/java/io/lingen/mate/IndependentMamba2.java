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
import io.lingen.core.op.ScanSpec;
import org.jspecify.annotations.Nullable;

/** The sum of two complete Mamba2 modules, one per direction, each with its own projections, gate and norm. */
final class IndependentMamba2 implements Mamba {
    private final Backend backend;
    private final DType precision;
    private final Module forward;
    private final Module backward;

    IndependentMamba2(ModelWeights weights, MambaConfig config, int hiddenSize) {
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.forward = new Module(weights.under("fwd"), config.scanSpec(hiddenSize), hiddenSize);
        this.backward = new Module(weights.under("bwd"), config.scanSpec(hiddenSize), hiddenSize);
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
        try (Workspace workspace = backend.newWorkspace()) {
            ScanPath path = new ScanPath(grid, review, order, false);
            Tensor forwardOut = forward.mix(workspace, sequence, path); // [N, di]
            Tensor backwardOut = backward.mix(workspace, sequence, new ScanPath(grid, review, order, true));
            if (taps != Taps.NONE) {
                Tensor sum = forward.outProjection.apply(workspace, forwardOut, DType.F32);
                backward.outProjection.apply(backwardOut, Epilogue.ADD, sum);
                taps.accept("ma", sum);
            }
            forward.outProjection.apply(forwardOut, Epilogue.gatedAdd(gate), residual);
            backward.outProjection.apply(backwardOut, Epilogue.gatedAdd(gate), residual);
        }
    }

    /** A Mamba2 module without the application of its output projection. */
    private final class Module {
        private final Linear zProjection; // d -> di
        private final Linear scanProjection; // d -> x, B, C, dt
        private final ScanDirection direction;
        private final Tensor normWeight; // [di]
        private final Linear outProjection; // di -> d

        private Module(ModelWeights weights, ScanSpec spec, int hiddenSize) {
            long di = spec.innerWidth();
            long gn = spec.groupWidth();
            long rows = 2 * di + 2 * gn + spec.heads();
            HostTensor inProjection = weights.host("in_proj.weight", rows, hiddenSize);
            zProjection = weights.linear(inProjection.slice(0, di), null);
            scanProjection = weights.linear(inProjection.slice(di, rows), null);
            direction = new ScanDirection(weights, spec, di, di + gn, di + 2 * gn);
            normWeight = weights.vector("norm.weight", di);
            outProjection = weights.linearWithoutBias("out_proj", di, hiddenSize);
        }

        private Tensor mix(Workspace workspace, Tensor sequence, ScanPath path) {
            Tensor tokens = sequence.slice(path.prefixCells(), path.rows());
            Tensor y = workspace.allocate(
                    precision, path.grid().cells(), normWeight.shape().last());
            try (Workspace scan = backend.newWorkspace()) {
                direction.scan(scanProjection.apply(scan, sequence, precision), path, false, y);
                Tensor z = zProjection.apply(scan, tokens, precision);
                backend.gatedRmsNorm(y, z, normWeight, BidirectionalMamba.NORM_EPSILON, y);
            }
            return y;
        }
    }
}
