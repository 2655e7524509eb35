package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of norms of complete rows: struct RowNorm in norms.cu.
 *
 * @param x the address of the input
 * @param z the address of the gate
 * @param scale the address of the scale or the weight
 * @param shift the address of the shift, or 0 for none
 * @param out the address of the output
 * @param rows the number of rows
 * @param xBf16 whether the input is BF16
 * @param zBf16 whether the gate is BF16
 * @param outBf16 whether the output is BF16
 * @param d the number of columns
 * @param epsilon the number added to the variance or the mean square
 */
public record RowNormArguments(
        long x,
        long z,
        long scale,
        long shift,
        long out,
        long rows,
        boolean xBf16,
        boolean zBf16,
        boolean outBf16,
        int d,
        float epsilon)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, z, scale, shift, out, rows)
                .put(xBf16, zBf16, outBf16)
                .put(d)
                .put(epsilon);
    }
}
