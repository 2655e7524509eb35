package io.lingen.cpu.internal.kernel;

import io.lingen.core.Tensor;
import io.lingen.core.op.DiagonalScanWeights;
import io.lingen.core.op.ScanPath;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.RawMemory;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.loop.FloatKernels;

/** The selective scan of Mamba1. Each task scans a band of channels, with their states in the cache. */
public final class DiagonalScanKernel {
    private static final int CHANNEL_BAND = 128;
    private static final int STEP_BLOCK = 64;

    private final WorkerPool pool;
    private final FloatKernels loops;

    /**
     * Creates a kernel.
     *
     * @param pool the threads
     * @param loops the inner loops
     */
    public DiagonalScanKernel(WorkerPool pool, FloatKernels loops) {
        this.pool = pool;
        this.loops = loops;
    }

    /** The inputs of a call. */
    private record Input(PooledTensor x, PooledTensor dt, PooledTensor bc, long b, long c, ScanPath path) {}

    /**
     * Computes {@link io.lingen.core.backend.Backend#diagonalScan}.
     *
     * @param x [path.rows(), di]
     * @param dt [path.rows(), di]
     * @param bc [path.rows(), columns]
     * @param b the first column of B in bc
     * @param c the first column of C in bc
     * @param path the order of the rows
     * @param weights the parameters
     * @param accumulate whether the result is added to y or overwrites it
     * @param y [path.grid().cells(), di]
     */
    public void compute(
            Tensor x,
            Tensor dt,
            Tensor bc,
            long b,
            long c,
            ScanPath path,
            DiagonalScanWeights weights,
            boolean accumulate,
            PooledTensor y) {
        Input input = new Input(PooledTensor.of(x), PooledTensor.of(dt), PooledTensor.of(bc), b, c, path);
        int width = (int) x.shape().last();
        pool.forEach(Math.ceilDiv(width, CHANNEL_BAND), (task, worker) -> {
            int from = task * CHANNEL_BAND;
            scan(input, weights, from, Math.min(CHANNEL_BAND, width - from), accumulate, y, worker.scratch());
        });
    }

    private void scan(
            Input input,
            DiagonalScanWeights weights,
            int from,
            int channels,
            boolean accumulate,
            PooledTensor y,
            Scratch scratch) {
        int n = (int) weights.aLog().shape().last();
        ScanPath path = input.path;
        long a = rates(weights, from, channels, n, scratch);
        long bias = PooledTensor.addressOf(weights.dtBias()) + (long) from * Float.BYTES;
        long skip = PooledTensor.addressOf(weights.d()) + (long) from * Float.BYTES;
        long state = scratch.floats((long) n * channels);
        loops.fill(0, state, n * channels);
        long xs = scratch.floats((long) STEP_BLOCK * channels);
        long raw = scratch.floats((long) STEP_BLOCK * channels);
        long times = scratch.floats((long) STEP_BLOCK * channels);
        long buffer = scratch.floats(channels);
        long bs = scratch.floats((long) STEP_BLOCK * n);
        long cs = scratch.floats((long) STEP_BLOCK * n);
        long ys = scratch.floats((long) STEP_BLOCK * channels);
        for (long first = 0; first < path.steps(); first += STEP_BLOCK) {
            int steps = (int) Math.min(STEP_BLOCK, path.steps() - first);
            for (int step = 0; step < steps; step++) {
                long row = path.row(first + step);
                long band = (long) step * channels * Float.BYTES;
                long states = (long) step * n * Float.BYTES;
                load(input.x, row, from, xs + band, channels);
                load(input.dt, row, from, raw + band, channels);
                loops.add(raw + band, bias, raw + band, channels);
                load(input.bc, row, input.b, bs + states, n);
                load(input.bc, row, input.c, cs + states, n);
            }
            loops.softplus(raw, times, steps * channels);
            loops.diagonalScan(xs, times, channels, bs, cs, n, a, skip, state, channels, n, steps, buffer, ys);
            for (int step = (int) Math.min(steps, Math.max(0, path.warmUpSteps() - first)); step < steps; step++) {
                long target = y.rowAddress(path.row(first + step) - path.prefixCells())
                        + (long) from * y.dtype().bytes();
                long source = ys + (long) step * channels * Float.BYTES;
                Rows.store(loops, source, target, y.dtype(), channels, accumulate, scratch);
            }
        }
    }

    private void load(PooledTensor tensor, long row, long column, long target, int n) {
        loops.load(tensor.rowAddress(row) + column * tensor.dtype().bytes(), tensor.dtype(), target, n);
    }

    /** Computes A = -exp(aLog) of a band of channels, transposed to [n, channels]. Returns its address in scratch memory. */
    private static long rates(DiagonalScanWeights weights, int from, int channels, int n, Scratch scratch) {
        long source = PooledTensor.addressOf(weights.aLog());
        long target = scratch.floats((long) n * channels);
        for (int channel = 0; channel < channels; channel++) {
            for (int j = 0; j < n; j++) {
                float aLog = RawMemory.getFloat(source + ((long) (from + channel) * n + j) * Float.BYTES);
                RawMemory.setFloat(target + ((long) j * channels + channel) * Float.BYTES, (float) -Math.exp(aLog));
            }
        }
        return target;
    }
}
