package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of the average pool: the struct Pool of tokens.cu. */
public record PoolArguments(
        long x, long out, boolean xBf16, boolean outBf16, int d, int gt, int gh, int gw, int kt, int kh, int kw)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, out).put(xBf16, outBf16).put(d, gt, gh, gw, kt, kh, kw);
    }
}
