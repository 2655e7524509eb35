package io.lingen.cpu.internal.kernel;

import io.lingen.core.Tensor;
import io.lingen.core.op.ScanPath;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.RawMemory;
import io.lingen.cpu.internal.SizeClassAllocator;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.loop.FloatKernels;

/** Causal depthwise convolution along a scan path, followed by SiLU. */
public final class CausalConvolutionKernel {
    private static final int STEP_TASK = 256;

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
    public CausalConvolutionKernel(WorkerPool pool, SizeClassAllocator memory, FloatKernels loops) {
        this.pool = pool;
        this.memory = memory;
        this.loops = loops;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#causalConvolution}.
     *
     * @param x [path.rows(), columns]
     * @param column the first of the channels' columns in x
     * @param path the order of the rows
     * @param weight [channels, taps]
     * @param bias [channels]
     * @param out [path.rows(), channels]
     */
    public void compute(PooledTensor x, long column, ScanPath path, Tensor weight, Tensor bias, PooledTensor out) {
        int channels = (int) weight.shape().length(0);
        if (path.backward()) {
            RawMemory.clear(out.address(), path.prefixCells() * out.rowBytes());
        }
        try (ScanConvolution convolution = new ScanConvolution(memory, loops, x, path, weight, bias)) {
            pool.forRanges(path.steps(), STEP_TASK, (from, to, worker) -> {
                long dense = worker.scratch().floats((long) STEP_TASK * channels);
                for (long first = from; first < to; first += STEP_TASK) {
                    int steps = (int) Math.min(STEP_TASK, to - first);
                    convolution.gather(first, steps, 0, channels, column, dense, channels, worker.scratch());
                    for (int step = 0; step < steps; step++) {
                        long source = dense + (long) step * channels * Float.BYTES;
                        long target = out.rowAddress(path.row(first + step));
                        loops.store(source, target, out.dtype(), channels);
                    }
                }
            });
        }
    }
}
