package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.core.spi.pool.PooledWorkspace;

/** Convolutions with weights in the kernel's own layout. Implementations are thread-safe. */
public interface ConvolutionKernel {
    /**
     * Packs the parameters of a convolution.
     *
     * @param workspace the owner of the packed weights
     * @param source the parameters
     * @param dtype the type of the GEMM's operands, F32 or BF16
     * @return the packed weights
     */
    ConvolutionWeights pack(PooledWorkspace workspace, ConvolutionParameters source, DType dtype);

    /**
     * Computes {@link io.lingen.core.backend.Backend#convolution}.
     *
     * @param x [T, H, W, inChannels]
     * @param weights packed by this kernel
     * @param out [T', H', W', outChannels]
     */
    void compute(PooledTensor x, ConvolutionWeights weights, PooledTensor out);
}
