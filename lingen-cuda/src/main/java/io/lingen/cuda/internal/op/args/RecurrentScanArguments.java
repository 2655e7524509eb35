package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of the recurrent scan of Mamba2: struct RecurrentScan in scan_recurrent.cu.
 *
 * @param projection the address of the projection
 * @param convWeight the address of the weight of the convolution
 * @param convBias the address of the bias of the convolution
 * @param dtBias the address of the bias of dt
 * @param aLog the address of log(-A)
 * @param d the address of D
 * @param bc the address of B and C along the path, scratch memory
 * @param dt the address of dt along the path, scratch memory
 * @param y the address of the output
 * @param columns the number of columns of the projection
 * @param xColumn the first column of x
 * @param bColumn the first column of B
 * @param cColumn the first column of C
 * @param dtColumn the first column of dt
 * @param projectionBf16 whether the projection is BF16
 * @param yBf16 whether the output is BF16
 * @param heads the number of heads
 * @param headDim the head dimension
 * @param state the size of the state
 * @param groups the number of groups
 * @param taps the number of taps of the convolution
 * @param accumulate whether the result is added to the output or overwrites it
 * @param path the order of the rows
 */
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
