package io.lingen.cuda.internal.op;

import io.lingen.core.DType;
import io.lingen.core.op.LinearWeights;
import io.lingen.core.spi.pool.PooledTensor;
import org.jspecify.annotations.Nullable;

/**
 * A linear layer on the device.
 *
 * @param weight [out, in] in the type of the products
 * @param bias [out] in F32, or null
 * @param biasBf16 [out] in BF16: what cuBLASLt adds to a BF16 output; null without a bias or with F32 products
 */
public record CudaLinear(
        PooledTensor weight,
        @Nullable PooledTensor bias,
        @Nullable PooledTensor biasBf16) implements LinearWeights {
    /**
     * The weights as this backend's.
     *
     * @throws IllegalArgumentException if another backend packed them
     */
    public static CudaLinear of(LinearWeights weights) {
        if (weights instanceof CudaLinear) {
            return (CudaLinear) weights;
        }
        throw new IllegalArgumentException("expected weights packed by the backend cuda, found " + weights);
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
