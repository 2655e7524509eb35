package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of the epilogue after a GEMM of cuBLASLt: struct Epilogue in elementwise.cu.
 *
 * @param y the address of the result of the GEMM
 * @param gate the address of the gate, or 0 for none
 * @param out the address of the output
 * @param rows the number of rows
 * @param columns the number of columns
 * @param yBf16 whether the result of the GEMM is BF16
 * @param outBf16 whether the output is BF16
 * @param kind the ordinal of the kind of the epilogue
 */
public record EpilogueArguments(
        long y, long gate, long out, long rows, int columns, boolean yBf16, boolean outBf16, int kind)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(y, gate, out, rows).put(columns).put(yBf16, outBf16).put(kind);
    }
}
