package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of the sum with position tables: the struct Positions of tokens.cu. */
public record PositionsArguments(
        long x, long tableT, long tableH, long tableW, long out, boolean xBf16, boolean outBf16, int d, int gh, int gw)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, tableT, tableH, tableW, out).put(xBf16, outBf16).put(d, gh, gw);
    }
}
