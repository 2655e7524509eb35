package io.lingen.cpu.internal.dnnl;

import io.lingen.core.DType;
import io.lingen.core.op.ConvolutionParameters;

/** A convolution's sizes, as far as its primitives depend on them; kernels and strides along t, h and w. */
record ConvolutionShape(int in, int out, int kt, int kh, int kw, int strideT, int strideH, int strideW, DType dtype) {
    static ConvolutionShape of(ConvolutionParameters source, DType dtype) {
        return new ConvolutionShape(
                Math.toIntExact(source.inChannels()),
                Math.toIntExact(source.outChannels()),
                source.kernel(0),
                source.kernel(1),
                source.kernel(2),
                source.strideT(),
                source.strideH(),
                source.strideW(),
                dtype);
    }

    /** The layout of the weights in a checkpoint, the caller's to free. */
    long plainLayout() {
        long kernel = (long) kt * kh * kw;
        return DnnlCalls.layout(dtype, lengths(), new long[] {in * kernel, kernel, (long) kh * kw, kw, 1});
    }

    /** [out, in, kt, kh, kw] */
    long[] lengths() {
        return new long[] {out, in, kt, kh, kw};
    }
}
