package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of the rotation by position: struct Rotation in tokens.cu.
 *
 * @param x the address of the first head, updated in place
 * @param tokens the number of tokens
 * @param columns the distance of the rows in elements
 * @param xBf16 whether the heads are BF16
 * @param heads the number of heads
 * @param angles the cosines and sines
 */
public record RotationArguments(long x, long tokens, long columns, boolean xBf16, int heads, AnglesArguments angles)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, tokens, columns).put(xBf16).put(heads).put(angles);
    }
}
