package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of the causal convolution: struct CausalConvolution in mamba1.cu.
 *
 * @param x the address of the input
 * @param weight the address of the weight
 * @param bias the address of the bias, or 0 for none
 * @param out the address of the output
 * @param columns the number of columns of the input
 * @param column the first of the channels' columns
 * @param xBf16 whether the input is BF16
 * @param outBf16 whether the output is BF16
 * @param channels the number of channels
 * @param taps the number of taps of the convolution
 * @param path the order of the rows
 */
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
