package io.lingen.core.nd4j;

import io.lingen.core.DType;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.ConvolutionWeights;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A convolution in F32, its weight rounded to the type of the products.
 *
 * @param weight [out, in, kt, kh, kw]
 * @param bias [1, out]
 */
record Nd4jConvolution(ConvolutionParameters parameters, INDArray weight, INDArray bias, DType dtype)
        implements ConvolutionWeights {}
