package io.lingen.mate;

import io.lingen.core.Backend;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.LinearWeights;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.checkpoint.WeightReader;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.ScanOrder;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import org.jspecify.annotations.Nullable;

/**
 * Bidirectional Mamba2 with one projection in and one out for both directions, whose sum is gated and normed once (specification,
 * section 3).
 *
 * <p>The input projection is packed in two parts: z is needed for the kept tokens only, while x, B, C and dt are needed for the review
 * tokens as well.
 */
final class BidirectionalMamba2 implements Mamba {
    static final float NORM_EPSILON = 1e-5f;

    private final Backend backend;
    private final DType precision;
    private final Linear zProjection; // d -> di
    private final Linear scanProjection; // d -> x, B_f, C_f, B_b, C_b, dt_f, dt_b
    private final ScanDirection forward;
    private final ScanDirection backward;
    private final Tensor normWeight; // [di]
    private final Linear outProjection; // di -> d

    BidirectionalMamba2(
            Backend backend,
            Workspace workspace,
            WeightReader reader,
            MambaConfig config,
            int hiddenSize,
            DType precision) {
        ScanSpec spec = config.scanSpec(hiddenSize);
        boolean tied = config.directions() == MambaConfig.Directions.TIED;
        int di = spec.innerWidth();
        int gn = spec.groupWidth();
        int heads = spec.heads();
        int columns = tied ? di + 2 * gn + heads : di + 4 * gn + 2 * heads;
        HostTensor inProjection = reader.tensor("in_proj.weight", di + columns, hiddenSize);
        this.backend = backend;
        this.precision = precision;
        this.zProjection = project(backend, workspace, inProjection.slice(0, di), precision);
        this.scanProjection = project(backend, workspace, inProjection.slice(di, di + columns), precision);
        ScanWeights own = ScanDirection.load(backend, workspace, reader.under("fwd."), spec);
        if (tied) {
            this.forward = new ScanDirection(backend, spec, own, di, di + gn, di + 2L * gn);
            this.backward = forward;
        } else {
            ScanWeights other = ScanDirection.load(backend, workspace, reader.under("bwd."), spec);
            long dt = di + 4L * gn;
            this.forward = new ScanDirection(backend, spec, own, di, di + gn, dt);
            this.backward = new ScanDirection(backend, spec, other, di + 2L * gn, di + 3L * gn, dt + heads);
        }
        this.normWeight = ScanDirection.upload(backend, workspace, reader, "norm.weight", di);
        this.outProjection =
                Linear.load(backend, workspace, reader.linearWithoutBias("out_proj", di, hiddenSize), precision);
    }

    static Linear project(Backend backend, Workspace workspace, HostTensor rows, DType precision) {
        return Linear.load(backend, workspace, new LinearWeights.Source(rows, null), precision);
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
        Tensor tokens = sequence.slice(path.prefixCells(), path.rows()); // [N, d]
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor y = workspace.allocate(
                    precision, grid.cells(), normWeight.shape().last()); // [N, di]
            try (Workspace scans = backend.newWorkspace()) {
                Tensor projection = scanProjection.apply(scans, sequence, precision); // [R + N, columns]
                forward.scan(projection, path, false, y);
                backward.scan(projection, new ScanPath(grid, review, order, true), true, y);
            }
            Tensor z = zProjection.apply(workspace, tokens, precision); // [N, di]
            backend.gatedRmsNorm(y, z, normWeight, NORM_EPSILON, y);
            outProjection.apply(y, Epilogue.gatedAdd(gate), residual, taps, "ma"); // [N, d]
        }
    }
}
