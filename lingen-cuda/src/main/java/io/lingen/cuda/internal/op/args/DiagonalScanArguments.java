package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of the scan of Mamba1: struct DiagonalScan in mamba1.cu.
 *
 * @param x the address of the input
 * @param dt the address of dt before bias and softplus
 * @param bc the address of the matrix of B and C
 * @param dtBias the address of the bias of dt
 * @param aLog the address of log(-A)
 * @param d the address of D
 * @param y the address of the output
 * @param bcColumns the number of columns of the matrix of B and C
 * @param b the first column of B
 * @param c the first column of C
 * @param xBf16 whether the input is BF16
 * @param dtBf16 whether dt is BF16
 * @param bcBf16 whether B and C are BF16
 * @param yBf16 whether the output is BF16
 * @param width the number of channels
 * @param state the size of the state
 * @param accumulate whether the result is added to the output or overwrites it
 * @param path the order of the rows
 */
public record DiagonalScanArguments(
        long x,
        long dt,
        long bc,
        long dtBias,
        long aLog,
        long d,
        long y,
        long bcColumns,
        long b,
        long c,
        boolean xBf16,
        boolean dtBf16,
        boolean bcBf16,
        boolean yBf16,
        int width,
        int state,
        boolean accumulate,
        PathArguments path)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, dt, bc, dtBias, aLog, d, y, bcColumns, b, c)
                .put(xBf16, dtBf16, bcBf16, yBf16)
                .put(width, state)
                .put(accumulate)
                .put(path);
    }
}
