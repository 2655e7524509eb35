package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.op.Heads;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.loop.FloatKernels;

/** RMS norms. */
public final class RmsNormKernel {
    private static final int ROWS_PER_TASK = 16;
    /** The number of elements that are converted and normalized at a time. They stay in the first-level cache. */
    private static final int BLOCK = 2048;

    private final WorkerPool pool;
    private final FloatKernels loops;

    /**
     * Creates a kernel.
     *
     * @param pool the threads
     * @param loops the inner loops
     */
    public RmsNormKernel(WorkerPool pool, FloatKernels loops) {
        this.pool = pool;
        this.loops = loops;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#rmsNorm}.
     *
     * @param x [n, d]
     * @param weight [d]
     * @param epsilon the number added to the mean square
     * @param silu whether SiLU is applied to the result
     * @param out [n, d]
     */
    public void rows(PooledTensor x, Tensor weight, float epsilon, boolean silu, PooledTensor out) {
        int d = (int) x.shape().last();
        long weights = PooledTensor.addressOf(weight);
        pool.forRanges(x.shape().rows(), ROWS_PER_TASK, (from, to, worker) -> {
            int block = Math.max(1, BLOCK / Math.max(1, d));
            long buffer = worker.scratch().floats((long) block * d);
            for (long row = from; row < to; row += block) {
                int rows = (int) Math.min(block, to - row);
                int n = rows * d;
                long input = x.rowAddress(row);
                if (x.dtype() == DType.BF16) {
                    loops.widen(input, buffer, n);
                    input = buffer;
                }
                long target = out.dtype() == DType.F32 ? out.rowAddress(row) : buffer;
                loops.rmsNorm(input, weights, epsilon, target, rows, d);
                if (silu) {
                    loops.silu(target, target, n);
                }
                if (out.dtype() == DType.BF16) {
                    loops.narrow(target, out.rowAddress(row), n);
                }
            }
        });
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#gatedRmsNorm}.
     *
     * @param y [n, d]
     * @param z [n, d], the gate
     * @param weight [d]
     * @param epsilon the number added to the mean square
     * @param out [n, d]
     */
    public void gated(PooledTensor y, PooledTensor z, Tensor weight, float epsilon, PooledTensor out) {
        int d = (int) y.shape().last();
        long weights = PooledTensor.addressOf(weight);
        pool.forRanges(y.shape().rows(), ROWS_PER_TASK, (from, to, worker) -> {
            long inputY = worker.scratch().floats(d);
            long inputZ = worker.scratch().floats(d);
            // A separate buffer: the row is written twice, and should stay in the cache in between.
            long gated = worker.scratch().floats(d);
            for (long row = from; row < to; row++) {
                long values = Rows.read(loops, y, row, inputY);
                float squares = loops.siluGate(values, Rows.read(loops, z, row, inputZ), gated, d);
                float factor = (float) (1 / Math.sqrt(squares / d + epsilon));
                long target = Rows.target(out, row, gated);
                loops.multiply(factor, gated, weights, target, d);
                Rows.write(loops, target, out, row);
            }
        });
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#headRmsNorm}.
     *
     * @param heads the vectors, updated in place
     * @param weight [headDim]
     * @param epsilon the number added to the mean square
     */
    public void heads(Heads heads, Tensor weight, float epsilon) {
        PooledTensor matrix = PooledTensor.of(heads.matrix());
        DType dtype = matrix.dtype();
        int band = Math.toIntExact(heads.width());
        int width = heads.headDim();
        long weights = PooledTensor.addressOf(weight);
        pool.forRanges(heads.tokens(), ROWS_PER_TASK, (from, to, worker) -> {
            long buffer = worker.scratch().floats(band);
            for (long row = from; row < to; row++) {
                long address = matrix.rowAddress(row) + heads.column() * dtype.bytes();
                if (dtype == DType.F32) {
                    loops.rmsNorm(address, weights, epsilon, address, heads.heads(), width);
                } else {
                    loops.widen(address, buffer, band);
                    loops.rmsNorm(buffer, weights, epsilon, buffer, heads.heads(), width);
                    loops.narrow(buffer, address, band);
                }
            }
        });
    }
}
