package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of the RMS norm of rows or heads: struct RmsNorm in norms.cu.
 *
 * @param x the address of the input
 * @param weight the address of the weight
 * @param out the address of the output
 * @param vectors the number of vectors
 * @param columns the distance of the rows in elements
 * @param xBf16 whether the input is BF16
 * @param outBf16 whether the output is BF16
 * @param heads the number of vectors of a row
 * @param d the number of elements of a vector
 * @param silu whether SiLU is applied to the result
 * @param epsilon the number added to the mean square
 */
public record RmsNormArguments(
        long x,
        long weight,
        long out,
        long vectors,
        long columns,
        boolean xBf16,
        boolean outBf16,
        int heads,
        int d,
        boolean silu,
        float epsilon)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, weight, out, vectors, columns)
                .put(xBf16, outBf16)
                .put(heads, d)
                .put(silu)
                .put(epsilon);
    }
}
