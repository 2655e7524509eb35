package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of the rotation by position: the struct Rotation of tokens.cu. */
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
