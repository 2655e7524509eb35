package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.op.Heads;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.loop.FloatKernels;

/** See {@link io.lingen.core.backend.Backend#gatedRmsNorm} and {@link io.lingen.core.backend.Backend#headRmsNorm}. */
public final class RmsNormKernel {
    private static final int ROWS_PER_TASK = 16;

    private final WorkerPool pool;
    private final FloatKernels loops;

    public RmsNormKernel(WorkerPool pool, FloatKernels loops) {
        this.pool = pool;
        this.loops = loops;
    }

    public void gated(PooledTensor y, PooledTensor z, Tensor weight, float epsilon, PooledTensor out) {
        int d = (int) y.shape().last();
        long weights = PooledTensor.addressOf(weight);
        pool.forRanges(y.shape().rows(), ROWS_PER_TASK, (from, to, worker) -> {
            long inputY = worker.scratch().floats(d);
            long inputZ = worker.scratch().floats(d);
            // Its own buffer, so that what is written twice stays in the cache.
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
                    float factor = (float) (1 / Math.sqrt(squares / width + epsilon));
                    loops.multiply(factor, values, weights, values, width);
                }
                loops.store(buffer, address, dtype, band);
            }
        });
    }
}
