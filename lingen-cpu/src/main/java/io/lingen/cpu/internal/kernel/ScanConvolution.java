package io.lingen.cpu.internal.kernel;

import io.lingen.core.Tensor;
import io.lingen.core.op.ScanPath;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.RawMemory;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.SizeClassAllocator;
import io.lingen.cpu.internal.loop.FloatKernels;

/**
 * The first stage of a scan: causal depthwise convolution along a path and SiLU. It gathers ranges of steps and channels into a dense
 * block. Closing it frees the transposed weights.
 */
final class ScanConvolution implements AutoCloseable {
    /** The number of rows of a piece that fits the L1 cache together with its result. */
    private static final int STEP_BLOCK = 64;

    private static final int CHANNEL_BLOCK = 128;

    private final SizeClassAllocator memory;
    private final FloatKernels loops;
    private final PooledTensor x;
    private final ScanPath path;
    private final int taps;
    private final int channels;
    private final long bias;
    private final SizeClassAllocator.Block weights;

    /**
     * Creates a convolution.
     *
     * @param x [path.rows(), columns]
     * @param weight [channels, taps]
     * @param bias [channels]
     */
    ScanConvolution(
            SizeClassAllocator memory, FloatKernels loops, PooledTensor x, ScanPath path, Tensor weight, Tensor bias) {
        this.memory = memory;
        this.loops = loops;
        this.x = x;
        this.path = path;
        this.channels = (int) weight.shape().length(0);
        this.taps = (int) weight.shape().length(1);
        this.bias = PooledTensor.addressOf(bias);
        long source = PooledTensor.addressOf(weight);
        weights = memory.allocate((long) channels * taps * Float.BYTES);
        for (int tap = 0; tap < taps; tap++) {
            for (int channel = 0; channel < channels; channel++) {
                RawMemory.setFloat(
                        weights.address() + ((long) tap * channels + channel) * Float.BYTES,
                        RawMemory.getFloat(source + ((long) channel * taps + tap) * Float.BYTES));
            }
        }
    }

    /** Returns the number of taps. */
    int taps() {
        return taps;
    }

    /** Returns the number of channels, which is the distance of the rows of {@link #weight}. */
    int channels() {
        return channels;
    }

    /** Returns the address of the weights [taps, channels], starting at a channel. */
    long weight(int channel) {
        return weights.address() + (long) channel * Float.BYTES;
    }

    /** Returns the address of the biases, starting at a channel. */
    long bias(int channel) {
        return bias + (long) channel * Float.BYTES;
    }

    /** Returns the rows of x at steps [first, first + steps). */
    private long[] rows(long first, int steps) {
        long[] rows = new long[steps];
        for (int i = 0; i < steps; i++) {
            rows[i] = path.row(first + i);
        }
        return rows;
    }

    /**
     * Computes steps [first, first + steps) of channels [from, to).
     *
     * @param column the column of channel {@code from} in x
     * @param out [steps, to - from] in F32
     * @param outStride the distance of the rows of out in elements
     */
    void gather(long first, int steps, int from, int to, long column, long out, int outStride, Scratch scratch) {
        long mark = scratch.mark();
        long past = scratch.floats((long) (taps - 1 + STEP_BLOCK) * CHANNEL_BLOCK);
        int history = (int) Math.min(first, taps - 1);
        long[] rows = rows(first - history, history + steps);
        for (int channel = from; channel < to; channel += CHANNEL_BLOCK) {
            int width = Math.min(CHANNEL_BLOCK, to - channel);
            long source = x.address() + (column + channel - from) * x.dtype().bytes();
            for (int step = 0; step < steps; step += STEP_BLOCK) {
                int count = Math.min(STEP_BLOCK, steps - step);
                for (int i = 0; i < taps - 1 + count; i++) {
                    int row = history + step + i - (taps - 1);
                    long target = past + (long) i * CHANNEL_BLOCK * Float.BYTES;
                    if (row < 0) {
                        loops.fill(0, target, width);
                    } else {
                        loops.load(source + rows[row] * x.rowBytes(), x.dtype(), target, width);
                    }
                }
                loops.causalConvolution(
                        past,
                        CHANNEL_BLOCK,
                        count,
                        width,
                        taps,
                        weights.address() + (long) channel * Float.BYTES,
                        channels,
                        bias + (long) channel * Float.BYTES,
                        out + ((long) step * outStride + channel - from) * Float.BYTES,
                        outStride);
                for (int i = step; i < step + count; i++) {
                    long values = out + ((long) i * outStride + channel - from) * Float.BYTES;
                    loops.silu(values, values, width);
                }
            }
        }
        scratch.release(mark);
    }

    @Override
    public void close() {
        memory.release(weights);
    }
}
