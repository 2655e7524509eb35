package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.op.Grid;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.RawMemory;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.WorkerPool.Worker;
import io.lingen.cpu.internal.loop.FloatKernels;

/**
 * SiLU, depthwise convolution over 3 x 3 cells, and gate. A task computes a block of channels of a frame, line by line. It keeps SiLU of
 * the last three lines, so every input is read and converted once.
 */
public final class DepthwiseConvolutionKernel {
    private static final int TAPS = 9;

    /** The number of output channels of a block: several cache lines of each cell, and few enough for the lines to fit the L2 cache. */
    private static final int CHANNELS = 128;

    private final WorkerPool pool;
    private final FloatKernels loops;

    /**
     * Creates a kernel.
     *
     * @param pool the threads
     * @param loops the inner loops
     */
    public DepthwiseConvolutionKernel(WorkerPool pool, FloatKernels loops) {
        this.pool = pool;
        this.loops = loops;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#gatedDepthwiseConvolution}.
     *
     * @param x [grid.cells(), 2 channels]
     * @param grid the grid of cells
     * @param weight [2 channels, 3, 3]
     * @param bias [2 channels]
     * @param out [grid.cells(), channels]
     */
    public void compute(PooledTensor x, Grid grid, Tensor weight, Tensor bias, PooledTensor out) {
        int channels = (int) out.shape().last();
        int blocks = Math.ceilDiv(channels, CHANNELS);
        pool.forEach(Math.multiplyExact(grid.t(), blocks), (task, worker) -> {
            int first = task % blocks * CHANNELS;
            int width = Math.min(CHANNELS, channels - first);
            long cell = (long) (task / blocks) * grid.h() * grid.w();
            Half values = new Half(x, first, width, grid, weight, bias, worker.scratch());
            Half gates = new Half(x, channels + first, width, grid, weight, bias, worker.scratch());
            frame(values, gates, cell, grid, width, out, first, worker);
        });
    }

    private void frame(
            Half values, Half gates, long cell, Grid grid, int width, PooledTensor out, int first, Worker worker) {
        int n = grid.w() * width;
        long gated = worker.scratch().floats(n);
        long column = (long) first * out.dtype().bytes();
        for (int h = 0; h < grid.h(); h++) {
            loops.siluGate(values.convolve(cell, h), gates.convolve(cell, h), gated, n);
            for (int w = 0; w < grid.w(); w++) {
                long target = out.rowAddress(cell + (long) h * grid.w() + w) + column;
                loops.store(gated + (long) w * width * Float.BYTES, target, out.dtype(), width);
            }
        }
    }

    /** A block of channels of the values or of the gates: its parameters and its last three lines. */
    private final class Half {
        private final PooledTensor x;
        private final long column;
        private final int width;
        private final Grid grid;
        private final long weights; // [9, width]
        private final long biases; // [width]
        private final long[] lines = new long[3]; // SiLU of line h is in lines[h % 3], [w + 2, width]
        private final long zeros; // the line above the frame and the line below it
        private final long result; // [w, width]

        Half(PooledTensor x, int channel, int width, Grid grid, Tensor weight, Tensor bias, Scratch scratch) {
            this.x = x;
            this.column = (long) channel * x.dtype().bytes();
            this.width = width;
            this.grid = grid;
            weights = scratch.floats((long) TAPS * width);
            long source = PooledTensor.addressOf(weight) + (long) channel * TAPS * Float.BYTES;
            for (int i = 0; i < width * TAPS; i++) {
                long target = weights + ((long) i % TAPS * width + i / TAPS) * Float.BYTES;
                RawMemory.setFloat(target, RawMemory.getFloat(source + (long) i * Float.BYTES));
            }
            biases = PooledTensor.addressOf(bias) + (long) channel * Float.BYTES;
            for (int i = 0; i < lines.length; i++) {
                lines[i] = scratch.floats((grid.w() + 2L) * width);
                loops.fill(0, lines[i], width);
                loops.fill(0, lines[i] + (grid.w() + 1L) * width * Float.BYTES, width);
            }
            zeros = scratch.floats((grid.w() + 2L) * width);
            loops.fill(0, zeros, (grid.w() + 2) * width);
            result = scratch.floats((long) grid.w() * width);
        }

        /** Returns the address of line {@code h} of the convolution of the frame that begins at {@code cell}. Lines come in order. */
        long convolve(long cell, int h) {
            if (h == 0) {
                load(cell, 0);
            }
            if (h + 1 < grid.h()) {
                load(cell, h + 1);
            }
            long above = h == 0 ? zeros : lines[(h - 1) % 3];
            long below = h + 1 == grid.h() ? zeros : lines[(h + 1) % 3];
            loops.depthwiseConvolution(above, lines[h % 3], below, grid.w(), width, weights, biases, result);
            return result;
        }

        private void load(long cell, int h) {
            DType dtype = x.dtype();
            long target = lines[h % 3] + (long) width * Float.BYTES;
            for (int w = 0; w < grid.w(); w++) {
                long source = x.rowAddress(cell + (long) h * grid.w() + w) + column;
                loops.load(source, dtype, target + (long) w * width * Float.BYTES, width);
            }
            loops.silu(target, target, grid.w() * width);
        }
    }
}
