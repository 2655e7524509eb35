package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of the conversion to pixels: struct Pixels in elementwise.cu.
 *
 * @param x the address of the input
 * @param out the address of the output
 * @param faults the address of a flag for each block, which is set if the block finds a NaN
 * @param n the number of elements
 * @param xBf16 whether the input is BF16
 */
public record PixelsArguments(long x, long out, long faults, long n, boolean xBf16) implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, out, faults, n).put(xBf16);
    }
}
