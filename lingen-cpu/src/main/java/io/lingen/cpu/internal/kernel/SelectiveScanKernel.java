package io.lingen.cpu.internal.kernel;

import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import io.lingen.core.spi.pool.PooledTensor;

/** One direction of the selective scan of Mamba2. Implementations are thread-safe. */
public interface SelectiveScanKernel {
    /**
     * Computes {@link io.lingen.core.backend.Backend#selectiveScan}.
     *
     * @param input the projection and its columns
     * @param path the order of the rows
     * @param spec the sizes of the scan
     * @param weights the parameters
     * @param accumulate whether the result is added to y or overwrites it
     * @param y [path.grid().cells(), di]
     */
    void compute(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, PooledTensor y);
}
