package io.lingen.core.op;

import io.lingen.core.DType;

/**
 * The parameters of a linear layer, packed once by a backend in the layout that its kernels read. Immutable, thread-safe, owned by the
 * workspace they were packed into.
 */
public interface LinearWeights {
    /** {@return the number of input features} */
    long inFeatures();

    /** {@return the number of output features} */
    long outFeatures();

    /** {@return the type of the GEMM's operands: {@link DType#F32} or {@link DType#BF16}} Accumulation is always in F32. */
    DType dtype();
}
