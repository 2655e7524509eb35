package io.lingen.core.nd4j;

import io.lingen.core.DType;
import io.lingen.core.op.LinearWeights;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A packed linear layer. Its weight is stored in F32, rounded to the type of the GEMM.
 *
 * @param weight [out, in]
 * @param bias [1, out], or null for none
 * @param dtype the type of the GEMM
 */
record Nd4jLinear(INDArray weight, @Nullable INDArray bias, DType dtype) implements LinearWeights {
    @Override
    public long inFeatures() {
        return weight.size(1);
    }

    @Override
    public long outFeatures() {
        return weight.size(0);
    }
}
