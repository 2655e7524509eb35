package io.lingen.core.nd4j;

import io.lingen.core.DType;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.ConvolutionWeights;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A packed convolution. Its weight is stored in F32, rounded to the type of the GEMM.
 *
 * @param parameters the parameters before packing
 * @param weight [out, in, kt, kh, kw]
 * @param bias [1, out]
 * @param dtype the type of the GEMM
 */
record Nd4jConvolution(ConvolutionParameters parameters, INDArray weight, INDArray bias, DType dtype)
        implements ConvolutionWeights {}
