package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of elementwise operations with one scalar: struct Elementwise in elementwise.cu.
 *
 * @param a the address of the first operand
 * @param b the address of the second operand
 * @param out the address of the output
 * @param aBf16 whether the first operand is BF16
 * @param bBf16 whether the second operand is BF16
 * @param outBf16 whether the output is BF16
 * @param s the scalar
 * @param n the number of elements
 */
public record ElementwiseArguments(
        long a, long b, long out, boolean aBf16, boolean bBf16, boolean outBf16, float s, long n)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(a, b, out).put(aBf16, bBf16, outBf16).put(s).put(n);
    }
}
