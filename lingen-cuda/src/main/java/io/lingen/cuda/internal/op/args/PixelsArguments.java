package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of the rounding to pixels: the struct Pixels of elementwise.cu. */
public record PixelsArguments(long x, long out, long faults, long n, boolean xBf16) implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, out, faults, n).put(xBf16);
    }
}
