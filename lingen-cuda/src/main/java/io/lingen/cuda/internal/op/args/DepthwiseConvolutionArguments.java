package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of the gated depthwise convolution: struct DepthwiseConvolution in depthwise_convolution.cu.
 *
 * @param x the address of the input
 * @param weight the address of the weight
 * @param bias the address of the bias
 * @param out the address of the output
 * @param xBf16 whether the input is BF16
 * @param outBf16 whether the output is BF16
 * @param channels the number of output channels
 * @param h the number of lines of a frame
 * @param w the number of cells of a line
 */
public record DepthwiseConvolutionArguments(
        long x, long weight, long bias, long out, boolean xBf16, boolean outBf16, int channels, int h, int w)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, weight, bias, out).put(xBf16, outBf16).put(channels, h, w);
    }
}
