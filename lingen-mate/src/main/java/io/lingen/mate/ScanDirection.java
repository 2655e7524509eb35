package io.lingen.mate;

import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;

/** One direction of a Mamba2 scan: its convolution, dt bias, A and D, and its columns of the projection. */
final class ScanDirection {
    private final Backend backend;
    private final ScanSpec spec;
    private final ScanWeights scanWeights;
    private final long b;
    private final long c;
    private final long dt;

    /**
     * Loads a direction.
     *
     * @param b the first column of B in the projection; the first column of x is 0
     * @param c the first column of C
     * @param dt the first column of dt
     */
    ScanDirection(ModelWeights weights, ScanSpec spec, long b, long c, long dt) {
        this.backend = weights.backend();
        this.spec = spec;
        this.scanWeights = new ScanWeights(
                weights.tensor("conv.weight", spec.channels(), spec.convWidth()),
                weights.vector("conv.bias", spec.channels()),
                weights.vector("dt_bias", spec.heads()),
                weights.vector("A_log", spec.heads()),
                weights.vector("D", spec.heads()));
        this.b = b;
        this.c = c;
        this.dt = dt;
    }

    /** Computes y = scan(projection), or y += scan(projection) if {@code accumulate} is set. */
    void scan(Tensor projection, ScanPath path, boolean accumulate, Tensor y) {
        backend.selectiveScan(new ScanInput(projection, 0, b, c, dt), path, spec, scanWeights, accumulate, y);
    }
}
