package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of convolutions with warpgroup instructions: struct Convolution in convolution_sm90.cu.
 *
 * @param x the address of the input
 * @param weight the address of the weight
 * @param bias the address of the bias, or 0 for none
 * @param out the address of the output
 * @param outBf16 whether the output is BF16
 * @param t the number of input frames
 * @param h the number of input rows
 * @param w the number of input columns
 * @param c the number of input channels
 * @param ot the number of output frames
 * @param oh the number of output rows
 * @param ow the number of output columns
 * @param o the number of output channels
 * @param kt the length of the kernel along time
 * @param kh the length of the kernel along height
 * @param kw the length of the kernel along width
 * @param pt the number of zeros before the input along time
 * @param ph the number of zeros before the input along height
 * @param pw the number of zeros before the input along width
 * @param boxT the base-2 logarithm of the length of a box along time
 * @param boxH the base-2 logarithm of the length of a box along height
 * @param boxW the base-2 logarithm of the length of a box along width
 */
public record ConvolutionArguments(
        long x,
        long weight,
        long bias,
        long out,
        boolean outBf16,
        int t,
        int h,
        int w,
        int c,
        int ot,
        int oh,
        int ow,
        int o,
        int kt,
        int kh,
        int kw,
        int pt,
        int ph,
        int pw,
        int boxT,
        int boxH,
        int boxW)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, weight, bias, out)
                .put(outBf16)
                .put(t, h, w, c, ot, oh, ow, o, kt, kh, kw, pt, ph, pw, boxT, boxH, boxW);
    }
}
