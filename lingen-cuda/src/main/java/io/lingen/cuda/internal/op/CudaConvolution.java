package io.lingen.cuda.internal.op;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.ConvolutionWeights;
import io.lingen.core.spi.pool.PooledTensor;

/**
 * A convolution on the device.
 *
 * @param weight [out, taps, in] in the type of the products: the order in which an implicit product walks
 * @param bias [out] in F32
 */
public record CudaConvolution(ConvolutionParameters parameters, PooledTensor weight, PooledTensor bias)
        implements ConvolutionWeights {
    /**
     * The weights as this backend's.
     *
     * @throws IllegalArgumentException if another backend packed them
     */
    public static CudaConvolution of(ConvolutionWeights weights) {
        if (weights instanceof CudaConvolution) {
            return (CudaConvolution) weights;
        }
        throw new IllegalArgumentException("expected weights packed by the backend cuda, found " + weights);
    }

    @Override
    public DType dtype() {
        return weight.dtype();
    }

    /** A source's weight [out, in, kt, kh, kw] as [out, taps, in]. */
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
