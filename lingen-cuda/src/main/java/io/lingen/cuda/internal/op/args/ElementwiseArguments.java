package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of conversions and weighted sums: the struct Elementwise of elementwise.cu. */
public record ElementwiseArguments(
        long a, long b, long out, boolean aBf16, boolean bBf16, boolean outBf16, float s, long n)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(a, b, out).put(aBf16, bBf16, outBf16).put(s).put(n);
    }
}
