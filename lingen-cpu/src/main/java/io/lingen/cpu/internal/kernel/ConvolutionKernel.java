package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.core.spi.pool.PooledWorkspace;

/** Convolutions: packs weights in its own layout and applies them. Thread-safe. */
public interface ConvolutionKernel {
    /** See {@link io.lingen.core.backend.Backend#packConvolution}. */
    ConvolutionWeights pack(PooledWorkspace workspace, ConvolutionParameters source, DType dtype);

    /** See {@link io.lingen.core.backend.Backend#convolution}. The weights are of this kernel; shapes are checked. */
    void compute(PooledTensor x, ConvolutionWeights weights, PooledTensor out);
}
