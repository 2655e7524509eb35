package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of the recurrence of Mamba2's scan: the struct RecurrentScan of scan_recurrent.cu. */
public record RecurrentScanArguments(
        long projection,
        long convWeight,
        long convBias,
        long dtBias,
        long aLog,
        long d,
        long bc,
        long dt,
        long y,
        long columns,
        long xColumn,
        long bColumn,
        long cColumn,
        long dtColumn,
        boolean projectionBf16,
        boolean yBf16,
        int heads,
        int headDim,
        int state,
        int groups,
        int taps,
        boolean accumulate,
        PathArguments path)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(projection, convWeight, convBias, dtBias, aLog, d, bc, dt, y)
                .put(columns, xColumn, bColumn, cColumn, dtColumn)
                .put(projectionBf16, yBf16)
                .put(heads, headDim, state, groups, taps)
                .put(accumulate)
                .put(path);
    }
}
