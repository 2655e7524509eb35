package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of the rotation by position: struct Rotation in tokens.cu.
 *
 * @param x the address of the first head, updated in place
 * @param tableT the address of the table along time
 * @param tableH the address of the table along height
 * @param tableW the address of the table along width
 * @param tokens the number of tokens
 * @param columns the distance of the rows in elements
 * @param xBf16 whether the heads are BF16
 * @param heads the number of heads
 * @param headDim the head dimension
 * @param bandT the width of the band along time
 * @param bandH the width of the band along height
 * @param gh the number of rows of the grid
 * @param gw the number of columns of the grid
 */
public record RotationArguments(
        long x,
        long tableT,
        long tableH,
        long tableW,
        long tokens,
        long columns,
        boolean xBf16,
        int heads,
        int headDim,
        int bandT,
        int bandH,
        int gh,
        int gw)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, tableT, tableH, tableW, tokens, columns).put(xBf16).put(heads, headDim, bandT, bandH, gh, gw);
    }
}
