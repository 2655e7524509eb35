package io.lingen.cuda.internal.op;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.spi.pool.PooledTensor;

/**
 * The packed weights of a convolution.
 *
 * @param parameters the parameters before packing
 * @param weight [out, taps, in] in the type of the GEMM, the order of an implicit GEMM
 * @param bias [out] in F32
 */
public record CudaConvolution(ConvolutionParameters parameters, PooledTensor weight, PooledTensor bias)
        implements ConvolutionWeights {
    /**
     * {@return weights as those of this backend}
     *
     * @param weights packed by a cuda backend
     * @throws IllegalArgumentException if they are packed by another one
     */
    public static CudaConvolution of(ConvolutionWeights weights) {
        if (weights instanceof CudaConvolution) {
            return (CudaConvolution) weights;
        }
        throw new IllegalArgumentException("weights must be packed by this backend, cuda, found " + weights);
    }

    @Override
    public DType dtype() {
        return weight.dtype();
    }

    /**
     * {@return a weight [out, in, kt, kh, kw] reordered to [out, taps, in]}
     *
     * @param source the parameters of a convolution
     */
    public static HostTensor byTaps(ConvolutionParameters source) {
        int out = Math.toIntExact(source.outChannels());
        int in = Math.toIntExact(source.inChannels());
        int taps = Math.toIntExact(source.kernel().volume());
        float[] from = source.weight().toFloats();
        float[] to = new float[from.length];
        for (int o = 0; o < out; o++) {
            for (int i = 0; i < in; i++) {
                for (int tap = 0; tap < taps; tap++) {
                    to[(o * taps + tap) * in + i] = from[(o * in + i) * taps + tap];
                }
            }
        }
        return HostTensor.of(to, out, taps, in);
    }
}
