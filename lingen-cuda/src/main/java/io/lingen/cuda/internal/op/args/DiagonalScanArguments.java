package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of Mamba1's scan: the struct DiagonalScan of mamba1.cu. */
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
