package io.lingen.mate;

import io.lingen.core.Tensor;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;

/**
 * Bidirectional Mamba2 (Dao and Gu, 2024; specification, section 3). Each direction has its own convolution, B, C, dt, A and D, unless the
 * directions are tied.
 */
final class BidirectionalMamba2 extends BidirectionalMamba {
    private final ScanDirection forward;
    private final ScanDirection backward;

    BidirectionalMamba2(ModelWeights weights, MambaConfig config, int hiddenSize) {
        super(weights, config.innerWidth(hiddenSize), columns(config, hiddenSize), hiddenSize);
        ScanSpec spec = config.scanSpec(hiddenSize);
        long di = spec.innerWidth();
        long gn = spec.groupWidth();
        ModelWeights fwd = weights.under("fwd");
        if (isTied(config)) {
            // Columns x, B, C, dt.
            this.forward = new ScanDirection(fwd, spec, di, di + gn, di + 2 * gn);
            this.backward = forward;
        } else {
            // Columns x, B_f, C_f, B_b, C_b, dt_f, dt_b.
            ModelWeights bwd = weights.under("bwd");
            long dt = di + 4 * gn;
            this.forward = new ScanDirection(fwd, spec, di, di + gn, dt);
            this.backward = new ScanDirection(bwd, spec, di + 2 * gn, di + 3 * gn, dt + spec.heads());
        }
    }

    private static int columns(MambaConfig config, int hiddenSize) {
        ScanSpec spec = config.scanSpec(hiddenSize);
        int own = 2 * spec.groupWidth() + spec.heads();
        return spec.innerWidth() + (isTied(config) ? own : 2 * own);
    }

    private static boolean isTied(MambaConfig config) {
        return config.directions() == MambaConfig.Directions.TIED;
    }

    @Override
    void scan(Tensor projection, ScanPath forwardPath, ScanPath backwardPath, Tensor y) {
        forward.scan(projection, forwardPath, false, y);
        backward.scan(projection, backwardPath, true, y);
    }
}
