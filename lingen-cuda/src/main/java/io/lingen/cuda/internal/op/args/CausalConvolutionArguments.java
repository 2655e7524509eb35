package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of Mamba1's convolution: the struct CausalConvolution of mamba1.cu. */
public record CausalConvolutionArguments(
        long x,
        long weight,
        long bias,
        long out,
        long columns,
        long column,
        boolean xBf16,
        boolean outBf16,
        int channels,
        int taps,
        PathArguments path)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, weight, bias, out, columns, column)
                .put(xBf16, outBf16)
                .put(channels, taps)
                .put(path);
    }
}
