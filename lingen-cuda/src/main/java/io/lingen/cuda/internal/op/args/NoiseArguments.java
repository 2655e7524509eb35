package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of the normal noise: the struct Noise of elementwise.cu. */
public record NoiseArguments(long out, long n, int key0, int key1, boolean outBf16) implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(out, n).put(key0, key1).put(outBf16);
    }
}
