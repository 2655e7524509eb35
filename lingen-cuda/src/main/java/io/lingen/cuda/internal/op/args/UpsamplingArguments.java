package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of upsampling: struct Upsampling in tokens.cu.
 *
 * @param x the address of the input
 * @param out the address of the output
 * @param cells the number of input cells
 * @param xBf16 whether the input is BF16
 * @param outBf16 whether the output is BF16
 * @param c the number of channels
 * @param h the number of input rows
 * @param w the number of input columns
 * @param ft the factor along time
 * @param fh the factor along height
 * @param fw the factor along width
 * @param ot the number of output frames
 * @param oh the number of output rows
 * @param ow the number of output columns
 */
public record UpsamplingArguments(
        long x,
        long out,
        long cells,
        boolean xBf16,
        boolean outBf16,
        int c,
        int h,
        int w,
        int ft,
        int fh,
        int fw,
        int ot,
        int oh,
        int ow)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, out, cells).put(xBf16, outBf16).put(c, h, w, ft, fh, fw, ot, oh, ow);
    }
}
