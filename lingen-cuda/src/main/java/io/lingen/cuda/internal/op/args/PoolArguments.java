package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of average pooling: struct Pool in tokens.cu.
 *
 * @param x the address of the input
 * @param out the address of the output
 * @param xBf16 whether the input is BF16
 * @param outBf16 whether the output is BF16
 * @param d the number of columns
 * @param gt the number of frames of the grid
 * @param gh the number of rows of the grid
 * @param gw the number of columns of the grid
 * @param kt the length of the kernel along time
 * @param kh the length of the kernel along height
 * @param kw the length of the kernel along width
 */
public record PoolArguments(
        long x, long out, boolean xBf16, boolean outBf16, int d, int gt, int gh, int gw, int kt, int kh, int kw)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, out).put(xBf16, outBf16).put(d, gt, gh, gw, kt, kh, kw);
    }
}
