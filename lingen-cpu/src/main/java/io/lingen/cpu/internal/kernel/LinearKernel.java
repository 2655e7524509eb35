package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.LinearParameters;
import io.lingen.core.op.LinearWeights;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.core.spi.pool.PooledWorkspace;

/** Linear layers: packs weights in its own layout and multiplies by them. Thread-safe. */
public interface LinearKernel {
    /** See {@link io.lingen.core.backend.Backend#packLinear}. */
    LinearWeights pack(PooledWorkspace workspace, LinearParameters source, DType dtype);

    /** See {@link io.lingen.core.backend.Backend#linear}. The weights are of this kernel; shapes are checked. */
    void compute(PooledTensor x, LinearWeights weights, Epilogue epilogue, PooledTensor out);
}
