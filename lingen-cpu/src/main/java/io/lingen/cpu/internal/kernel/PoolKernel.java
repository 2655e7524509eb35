package io.lingen.cpu.internal.kernel;

import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.loop.FloatKernels;

/** Average pooling of tokens. */
public final class PoolKernel {
    private static final int CELLS_PER_TASK = 8;

    private final WorkerPool pool;
    private final FloatKernels loops;

    /**
     * Creates a kernel.
     *
     * @param pool the threads
     * @param loops the inner loops
     */
    public PoolKernel(WorkerPool pool, FloatKernels loops) {
        this.pool = pool;
        this.loops = loops;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#averagePool}.
     *
     * @param x [grid.cells(), d]
     * @param grid the grid of tokens
     * @param kernel the size of a block
     * @param out [grid.dividedBy(kernel).cells(), d]
     */
    public void compute(PooledTensor x, Grid grid, Dims3 kernel, PooledTensor out) {
        int d = (int) x.shape().last();
        Grid cells = grid.dividedBy(kernel);
        pool.forRanges(cells.cells(), CELLS_PER_TASK, (from, to, worker) -> {
            long sums = worker.scratch().floats(d);
            long row = worker.scratch().floats(d);
            long output = worker.scratch().floats(d);
            for (long cell = from; cell < to; cell++) {
                int t0 = (int) (cell / cells.stride(0)) * kernel.t();
                int h0 = (int) (cell / cells.stride(1) % cells.h()) * kernel.h();
                int w0 = (int) (cell % cells.w()) * kernel.w();
                int count = 0;
                for (int t = t0; t < Math.min(grid.t(), t0 + kernel.t()); t++) {
                    for (int h = h0; h < Math.min(grid.h(), h0 + kernel.h()); h++) {
                        for (int w = w0; w < Math.min(grid.w(), w0 + kernel.w()); w++) {
                            long source = Rows.read(loops, x, ((long) t * grid.h() + h) * grid.w() + w, row);
                            if (count++ == 0) {
                                loops.copy(source, sums, d);
                            } else {
                                loops.add(sums, source, sums, d);
                            }
                        }
                    }
                }
                long target = Rows.target(out, cell, output);
                loops.scale(1f / count, sums, target, d);
                Rows.write(loops, target, out, cell);
            }
        });
    }
}
