package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.loop.FloatKernels;

/** Rotary position embedding. The angles of a token are gathered once for all of its heads. */
public final class RotationKernel {
    private final WorkerPool pool;
    private final FloatKernels loops;

    /**
     * Creates a kernel.
     *
     * @param pool the threads
     * @param loops the inner loops
     */
    public RotationKernel(WorkerPool pool, FloatKernels loops) {
        this.pool = pool;
        this.loops = loops;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#rotate}.
     *
     * @param heads the vectors, updated in place
     * @param grid the grid of tokens
     * @param tableT the cosines and sines along time
     * @param tableH the cosines and sines along height
     * @param tableW the cosines and sines along width
     */
    public void compute(Heads heads, Grid grid, PooledTensor tableT, PooledTensor tableH, PooledTensor tableW) {
        PooledTensor matrix = PooledTensor.of(heads.matrix());
        DType dtype = matrix.dtype();
        int width = heads.headDim();
        int band = Math.toIntExact(heads.width());
        int bandT = (int) tableT.shape().last();
        int bandH = (int) tableH.shape().last();
        int bandW = (int) tableW.shape().last();
        pool.forRanges((long) grid.t() * grid.h(), 1, (from, to, worker) -> {
            long angles = worker.scratch().floats(width);
            long anglesH = angles + (long) bandT * Float.BYTES;
            long anglesW = anglesH + (long) bandH * Float.BYTES;
            long buffer = worker.scratch().floats(band);
            for (long th = from; th < to; th++) {
                loops.copy(tableT.rowAddress(th / grid.h()), angles, bandT);
                loops.copy(tableH.rowAddress(th % grid.h()), anglesH, bandH);
                for (int w = 0; w < grid.w(); w++) {
                    loops.copy(tableW.rowAddress(w), anglesW, bandW);
                    long address = matrix.rowAddress(th * grid.w() + w) + heads.column() * dtype.bytes();
                    long values = dtype == DType.F32 ? address : buffer;
                    if (dtype == DType.BF16) {
                        loops.widen(address, buffer, band);
                    }
                    for (int head = 0; head < heads.heads(); head++) {
                        long vector = values + (long) head * width * Float.BYTES;
                        loops.rotate(vector, angles, vector, width);
                    }
                    if (dtype == DType.BF16) {
                        loops.narrow(buffer, address, band);
                    }
                }
            }
        });
    }
}
