package io.lingen.cpu.internal.kernel;

import io.lingen.core.Shape;
import io.lingen.core.op.Dims3;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.RawMemory;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.loop.FloatKernels;

/** Nearest-neighbor upsampling. Each distinct output line is computed once, then copied to its repetitions. */
public final class UpsampleKernel {
    private final WorkerPool pool;
    private final FloatKernels loops;

    /**
     * Creates a kernel.
     *
     * @param pool the threads
     * @param loops the inner loops
     */
    public UpsampleKernel(WorkerPool pool, FloatKernels loops) {
        this.pool = pool;
        this.loops = loops;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#upsampleNearest}.
     *
     * @param x [T, H, W, C]
     * @param factor the number of repetitions on each axis
     * @param out [T', H', W', C]; the last cells of an axis may be repeated fewer times
     */
    public void compute(PooledTensor x, Dims3 factor, PooledTensor out) {
        Shape shape = x.shape();
        int channels = (int) shape.last();
        int pixelBytes = channels * out.dtype().bytes();
        long outWidth = out.shape().length(2);
        long outHeight = out.shape().length(1);
        long outLength = out.shape().length(0);
        pool.forRanges(shape.length(0) * shape.length(1), 1, (from, to, worker) -> {
            long buffer = worker.scratch().floats(channels);
            for (long line = from; line < to; line++) {
                long firstT = line / shape.length(1) * factor.t();
                long firstH = line % shape.length(1) * factor.h();
                long source = out.rowAddress((firstT * outHeight + firstH) * outWidth);
                long target = source;
                for (long w = 0; w < shape.length(2); w++) {
                    long values = Rows.read(loops, x, line * shape.length(2) + w, buffer);
                    loops.store(values, target, out.dtype(), channels);
                    long repetitions = Math.min(factor.w(), outWidth - w * factor.w());
                    for (long i = 1; i < repetitions; i++) {
                        RawMemory.copy(target, target + i * pixelBytes, pixelBytes);
                    }
                    target += (long) factor.w() * pixelBytes;
                }
                for (long t = firstT; t < Math.min(firstT + factor.t(), outLength); t++) {
                    for (long h = firstH; h < Math.min(firstH + factor.h(), outHeight); h++) {
                        if (t > firstT || h > firstH) {
                            long equal = (t * outHeight + h) * outWidth;
                            RawMemory.copy(source, out.rowAddress(equal), outWidth * pixelBytes);
                        }
                    }
                }
            }
        });
    }
}
