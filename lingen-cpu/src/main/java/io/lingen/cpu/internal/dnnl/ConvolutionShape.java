package io.lingen.cpu.internal.dnnl;

import io.lingen.core.DType;
import io.lingen.core.op.ConvolutionParameters;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Padding;

/** The sizes of a convolution that its primitives depend on. */
record ConvolutionShape(int in, int out, Dims3 kernel, Dims3 stride, Padding padding, DType dtype) {
    static ConvolutionShape of(ConvolutionParameters source, DType dtype) {
        return new ConvolutionShape(
                Math.toIntExact(source.inChannels()),
                Math.toIntExact(source.outChannels()),
                source.kernel(),
                source.stride(),
                source.padding(),
                dtype);
    }

    /** Creates the layout of the weights in a checkpoint; the caller frees it. */
    long plainLayout() {
        long plane = (long) kernel.h() * kernel.w();
        long volume = kernel.volume();
        return DnnlCalls.layout(dtype, lengths(), new long[] {in * volume, volume, plane, kernel.w(), 1});
    }

    /** Returns [out, in, kt, kh, kw]. */
    long[] lengths() {
        return new long[] {out, in, kernel.t(), kernel.h(), kernel.w()};
    }
}
