package io.lingen.core.op;

import io.lingen.core.DType;

/**
 * The parameters of a 3-D convolution over a channels-last video, packed once by a backend in the layout that its kernels read.
 * Immutable, thread-safe, owned by the workspace they were packed into.
 */
public interface ConvolutionWeights {
    /** {@return the parameters before packing: sizes, strides and the host tensors} */
    ConvolutionParameters parameters();

    /** {@return the type of the GEMM's operands: {@link DType#F32} or {@link DType#BF16}} Accumulation is always in F32. */
    DType dtype();
}
