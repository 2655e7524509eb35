package io.lingen.cpu.internal.kernel;

import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import io.lingen.core.spi.pool.PooledTensor;

/** One direction of Mamba2's selective scan. Thread-safe. */
public interface SelectiveScanKernel {
    /** See {@link io.lingen.core.backend.Backend#selectiveScan}. Shapes are checked. */
    void compute(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, PooledTensor y);
}
