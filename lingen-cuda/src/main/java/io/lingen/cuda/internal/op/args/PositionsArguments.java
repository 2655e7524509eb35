package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of the addition of position embeddings: struct Positions in tokens.cu.
 *
 * @param x the address of the input
 * @param tableT the address of the table along time
 * @param tableH the address of the table along height
 * @param tableW the address of the table along width
 * @param out the address of the output
 * @param xBf16 whether the input is BF16
 * @param outBf16 whether the output is BF16
 * @param d the number of columns
 * @param gh the number of rows of the grid
 * @param gw the number of columns of the grid
 */
public record PositionsArguments(
        long x, long tableT, long tableH, long tableW, long out, boolean xBf16, boolean outBf16, int d, int gh, int gw)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, tableT, tableH, tableW, out).put(xBf16, outBf16).put(d, gh, gw);
    }
}
