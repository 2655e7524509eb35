package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.LinearParameters;
import io.lingen.core.op.LinearWeights;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.core.spi.pool.PooledWorkspace;

/** Linear layers with weights in the kernel's own layout. Implementations are thread-safe. */
public interface LinearKernel {
    /**
     * Packs the parameters of a linear layer.
     *
     * @param workspace the owner of the packed weights
     * @param source the parameters
     * @param dtype the type of the GEMM's operands, F32 or BF16
     * @return the packed weights
     */
    LinearWeights pack(PooledWorkspace workspace, LinearParameters source, DType dtype);

    /**
     * Computes {@link io.lingen.core.backend.Backend#linear}.
     *
     * @param x [n, in]
     * @param weights packed by this kernel
     * @param epilogue the function applied to the sum
     * @param out [n, out]
     */
    void compute(PooledTensor x, LinearWeights weights, Epilogue epilogue, PooledTensor out);
}
