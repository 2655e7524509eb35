package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of the chunked scan of Mamba2: struct Scan in scan.cu. The addresses from bc to decays are scratch memory.
 *
 * @param projection the address of the projection
 * @param convWeight the address of the weight of the convolution
 * @param convBias the address of the bias of the convolution
 * @param dtBias the address of the bias of dt
 * @param aLog the address of log(-A)
 * @param d the address of D
 * @param bc the address of B and C along the path
 * @param x the address of x along the path
 * @param factors the address of the factors of each head and token
 * @param scores the address of the products of B and C
 * @param rows the address of the rows of y along the path
 * @param states the address of the states of the segments
 * @param decays the address of the decays of the segments
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
 * @param paddedState the size of the state, padded
 * @param groups the number of groups
 * @param taps the number of taps of the convolution
 * @param accumulate whether the result is added to the output or overwrites it
 * @param chunks the number of chunks
 * @param segments the number of segments
 * @param chunksPerSegment the number of chunks of a segment
 * @param path the order of the rows
 */
public record ScanArguments(
        long projection,
        long convWeight,
        long convBias,
        long dtBias,
        long aLog,
        long d,
        long bc,
        long x,
        long factors,
        long scores,
        long rows,
        long states,
        long decays,
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
        int paddedState,
        int groups,
        int taps,
        boolean accumulate,
        int chunks,
        int segments,
        int chunksPerSegment,
        PathArguments path)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(
                        projection,
                        convWeight,
                        convBias,
                        dtBias,
                        aLog,
                        d,
                        bc,
                        x,
                        factors,
                        scores,
                        rows,
                        states,
                        decays,
                        y,
                        columns,
                        xColumn,
                        bColumn,
                        cColumn,
                        dtColumn)
                .put(projectionBf16, yBf16)
                .put(heads, headDim, state, paddedState, groups, taps)
                .put(accumulate)
                .put(chunks, segments, chunksPerSegment)
                .put(path);
    }
}
