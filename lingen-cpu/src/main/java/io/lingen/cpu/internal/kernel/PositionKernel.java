package io.lingen.cpu.internal.kernel;

import io.lingen.core.op.Grid;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.loop.FloatKernels;

/** Addition of position embeddings. */
public final class PositionKernel {
    private final WorkerPool pool;
    private final FloatKernels loops;

    /**
     * Creates a kernel.
     *
     * @param pool the threads
     * @param loops the inner loops
     */
    public PositionKernel(WorkerPool pool, FloatKernels loops) {
        this.pool = pool;
        this.loops = loops;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#addPosition}.
     *
     * @param x [grid.cells(), d]
     * @param tableT [at least grid.t(), d]
     * @param tableH [at least grid.h(), d]
     * @param tableW [at least grid.w(), d]
     * @param grid the grid of tokens
     * @param out has the shape of x
     */
    public void compute(
            PooledTensor x,
            PooledTensor tableT,
            PooledTensor tableH,
            PooledTensor tableW,
            Grid grid,
            PooledTensor out) {
        int d = (int) x.shape().last();
        pool.forRanges((long) grid.t() * grid.h(), 1, (from, to, worker) -> {
            long line = worker.scratch().floats(d);
            long input = worker.scratch().floats(d);
            long output = worker.scratch().floats(d);
            for (long th = from; th < to; th++) {
                loops.add(tableT.rowAddress(th / grid.h()), tableH.rowAddress(th % grid.h()), line, d);
                for (int w = 0; w < grid.w(); w++) {
                    long row = th * grid.w() + w;
                    long values = Rows.read(loops, x, row, input);
                    long target = Rows.target(out, row, output);
                    loops.addThree(values, line, tableW.rowAddress(w), target, d);
                    Rows.write(loops, target, out, row);
                }
            }
        });
    }
}
