package io.lingen.cpu.internal.kernel;

import io.lingen.core.Tensor;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.SizeClassAllocator;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.loop.FloatKernels;

/** Modulated layer norm. The variance is computed from deviations in a second pass over each row, which is then in the L1 cache. */
public final class LayerNormKernel {
    private static final int ROWS_PER_TASK = 16;

    private final WorkerPool pool;
    private final SizeClassAllocator memory;
    private final FloatKernels loops;

    /**
     * Creates a kernel.
     *
     * @param pool the threads
     * @param memory the allocator of intermediate results
     * @param loops the inner loops
     */
    public LayerNormKernel(WorkerPool pool, SizeClassAllocator memory, FloatKernels loops) {
        this.pool = pool;
        this.memory = memory;
        this.loops = loops;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#modulatedLayerNorm}.
     *
     * @param x [n, d]
     * @param shift [d]
     * @param scale [d]
     * @param epsilon the number added to the variance
     * @param out [n, d]
     */
    public void compute(PooledTensor x, Tensor shift, Tensor scale, float epsilon, PooledTensor out) {
        int d = (int) x.shape().last();
        long b = PooledTensor.addressOf(shift);
        SizeClassAllocator.Block factors = memory.allocate((long) d * Float.BYTES);
        try {
            long a = factors.address();
            loops.fill(1, a, d);
            loops.add(a, PooledTensor.addressOf(scale), a, d);
            pool.forRanges(x.shape().rows(), ROWS_PER_TASK, (from, to, worker) -> {
                long input = worker.scratch().floats(d);
                long output = worker.scratch().floats(d);
                for (long row = from; row < to; row++) {
                    long values = Rows.read(loops, x, row, input);
                    float mean = loops.sum(values, d) / d;
                    float variance = loops.squaredDeviation(values, mean, d) / d;
                    float factor = (float) (1 / Math.sqrt(variance + epsilon));
                    long target = Rows.target(out, row, output);
                    loops.normalize(values, mean, factor, a, b, target, d);
                    Rows.write(loops, target, out, row);
                }
            });
        } finally {
            memory.release(factors);
        }
    }
}
