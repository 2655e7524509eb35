package io.lingen.cuda.internal.op;

import io.lingen.core.DType;
import io.lingen.core.op.LinearWeights;
import io.lingen.core.spi.pool.PooledTensor;
import org.jspecify.annotations.Nullable;

/**
 * The packed weights of a linear layer.
 *
 * @param weight [out, in] in the type of the GEMM
 * @param bias [out] in F32, or null for none
 * @param biasBf16 [out] in BF16, which cuBLASLt needs for BF16 outputs; null without a bias or for an F32 GEMM
 */
public record CudaLinear(
        PooledTensor weight,
        @Nullable PooledTensor bias,
        @Nullable PooledTensor biasBf16) implements LinearWeights {
    /**
     * {@return weights as those of this backend}
     *
     * @param weights packed by a cuda backend
     * @throws IllegalArgumentException if they are packed by another one
     */
    public static CudaLinear of(LinearWeights weights) {
        if (weights instanceof CudaLinear) {
            return (CudaLinear) weights;
        }
        throw new IllegalArgumentException("weights must be packed by this backend, cuda, found " + weights);
    }

    @Override
    public long inFeatures() {
        return weight.shape().last();
    }

    @Override
    public long outFeatures() {
        return weight.shape().length(0);
    }

    @Override
    public DType dtype() {
        return weight.dtype();
    }
}
