package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of the noise: struct Noise in elementwise.cu.
 *
 * @param out the address of the output
 * @param n the number of elements
 * @param key0 the low half of the seed
 * @param key1 the high half of the seed
 * @param outBf16 whether the output is BF16
 */
public record NoiseArguments(long out, long n, int key0, int key1, boolean outBf16) implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(out, n).put(key0, key1).put(outBf16);
    }
}
