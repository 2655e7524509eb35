package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of the kernels of Mamba2's chunked scan: the struct Scan of scan.cu. */
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
