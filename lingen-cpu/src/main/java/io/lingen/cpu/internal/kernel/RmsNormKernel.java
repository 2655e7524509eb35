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
            long input = worker.scratch().floats(d);
            long output = worker.scratch().floats(d);
            for (long row = from; row < to; row++) {
                long values = Rows.read(loops, x, row, input);
                float factor = factor(loops.dotProduct(values, values, d), d, epsilon);
                long target = Rows.target(out, row, output);
                if (silu) {
                    loops.multiply(factor, values, weights, output, d);
                    loops.silu(output, target, d);
                } else {
                    loops.multiply(factor, values, weights, target, d);
                }
                Rows.write(loops, target, out, row);
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
                float factor = factor(squares, d, epsilon);
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
                loops.load(address, dtype, buffer, band);
                for (int head = 0; head < heads.heads(); head++) {
                    long values = buffer + (long) head * width * Float.BYTES;
                    float squares = loops.dotProduct(values, values, width);
                    float factor = factor(squares, width, epsilon);
                    loops.multiply(factor, values, weights, values, width);
                }
                loops.store(buffer, address, dtype, band);
            }
        });
    }

    /** Computes 1 / sqrt(mean square + epsilon). */
    private static float factor(float squares, int d, float epsilon) {
        return (float) (1 / Math.sqrt(squares / d + epsilon));
    }
}
