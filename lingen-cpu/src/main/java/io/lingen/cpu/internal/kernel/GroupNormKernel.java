package io.lingen.cpu.internal.kernel;

import io.lingen.core.Tensor;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.RawMemory;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.SizeClassAllocator;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.loop.FloatKernels;

/**
 * Group norm. A first pass sums, for each channel, the deviations from the first pixel of the frame and their squares. The mean and
 * variance of a group follow from these sums without cancellation. A second pass normalizes, also relative to the first pixel.
 */
public final class GroupNormKernel {
    /** The number of pixels that are summed in F32 before the sums are added in double precision. */
    private static final int PIXEL_BLOCK = 256;

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
    public GroupNormKernel(WorkerPool pool, SizeClassAllocator memory, FloatKernels loops) {
        this.pool = pool;
        this.memory = memory;
        this.loops = loops;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#groupNorm}.
     *
     * @param x [T, H, W, C]
     * @param groups the number of groups of channels
     * @param weight [C]
     * @param bias [C]
     * @param epsilon the number added to the variance
     * @param silu whether SiLU is applied to the result
     * @param out has the shape of x
     */
    public void compute(
            PooledTensor x, int groups, Tensor weight, Tensor bias, float epsilon, boolean silu, PooledTensor out) {
        int frames = Math.toIntExact(x.shape().length(0));
        int channels = (int) x.shape().last();
        long pixels = x.shape().length(1) * x.shape().length(2);
        int blocks = Math.toIntExact(Math.ceilDiv(pixels, PIXEL_BLOCK));
        if (frames == 0 || blocks == 0) {
            return;
        }
        long line = (long) channels * Float.BYTES;
        // Layout: sums and squares for each block, then the shifts, then the factors and offsets, for each frame.
        SizeClassAllocator.Block buffer = memory.allocate(((long) frames * blocks * 2 + (long) frames * 3) * line);
        try {
            long partial = buffer.address();
            long shifts = partial + (long) frames * blocks * 2 * line;
            long factors = shifts + frames * line;
            for (int frame = 0; frame < frames; frame++) {
                loops.load(x.rowAddress(frame * pixels), x.dtype(), shifts + frame * line, channels);
            }
            pool.forEach(Math.multiplyExact(frames, blocks), (task, worker) -> {
                int frame = task / blocks;
                long first = (long) (task % blocks) * PIXEL_BLOCK;
                long target = partial + task * 2 * line;
                loops.fill(0, target, 2 * channels);
                long row = worker.scratch().floats(channels);
                for (long pixel = first; pixel < Math.min(pixels, first + PIXEL_BLOCK); pixel++) {
                    long values = Rows.read(loops, x, frame * pixels + pixel, row);
                    loops.addDeviations(values, shifts + frame * line, target, target + line, channels);
                }
            });
            pool.forEach(frames, (frame, worker) -> {
                long sums = partial + (long) frame * blocks * 2 * line;
                long shift = shifts + frame * line;
                long factor = factors + 2 * frame * line;
                Statistics statistics = new Statistics(sums, shift, blocks, pixels, channels, groups);
                statistics.write(PooledTensor.addressOf(weight), PooledTensor.addressOf(bias), epsilon, factor);
            });
            pool.forEach(Math.multiplyExact(frames, blocks), (task, worker) -> {
                int frame = task / blocks;
                long first = frame * pixels + (long) (task % blocks) * PIXEL_BLOCK;
                long last = Math.min((frame + 1) * pixels, first + PIXEL_BLOCK);
                normalize(
                        x, first, last, shifts + frame * line, factors + 2 * frame * line, silu, out, worker.scratch());
            });
        } finally {
            memory.release(buffer);
        }
    }

    private void normalize(
            PooledTensor x,
            long first,
            long last,
            long shift,
            long factor,
            boolean silu,
            PooledTensor out,
            Scratch scratch) {
        int channels = (int) x.shape().last();
        long input = scratch.floats(channels);
        long output = scratch.floats(channels);
        long offset = factor + (long) channels * Float.BYTES;
        for (long pixel = first; pixel < last; pixel++) {
            long values = Rows.read(loops, x, pixel, input);
            long target = Rows.target(out, pixel, output);
            if (silu) {
                loops.affine(values, shift, factor, offset, output, channels);
                loops.silu(output, target, channels);
            } else {
                loops.affine(values, shift, factor, offset, target, channels);
            }
            Rows.write(loops, target, out, pixel);
        }
    }

    /** The sums of one frame: for each block the deviations from {@code shift} [channels] and their squares [channels]. */
    private record Statistics(long sums, long shift, int blocks, long pixels, int channels, int groups) {
        /** Writes the factors [channels] followed by the offsets [channels] of out = (x - shift) * factor + offset. */
        private void write(long weight, long bias, float epsilon, long factor) {
            int perGroup = channels / groups;
            for (int group = 0; group < groups; group++) {
                int from = group * perGroup;
                double[] mean = new double[perGroup];
                double[] square = new double[perGroup];
                double groupMean = 0;
                for (int i = 0; i < perGroup; i++) {
                    mean[i] = total(from + i) / pixels;
                    square[i] = total(channels + from + i) / pixels;
                    groupMean += (mean[i] + at(shift, from + i)) / perGroup;
                }
                double variance = 0;
                for (int i = 0; i < perGroup; i++) {
                    double distance = groupMean - at(shift, from + i);
                    variance += (square[i] - 2 * distance * mean[i] + distance * distance) / perGroup;
                }
                double normal = 1 / Math.sqrt(Math.max(0, variance) + epsilon);
                for (int i = from; i < from + perGroup; i++) {
                    double scale = normal * at(weight, i);
                    RawMemory.setFloat(factor + (long) i * Float.BYTES, (float) scale);
                    double offset = at(bias, i) - (groupMean - at(shift, i)) * scale;
                    RawMemory.setFloat(factor + (long) (channels + i) * Float.BYTES, (float) offset);
                }
            }
        }

        private double total(int element) {
            double total = 0;
            for (int block = 0; block < blocks; block++) {
                total += at(sums, block * 2 * channels + element);
            }
            return total;
        }

        private static float at(long address, int index) {
            return RawMemory.getFloat(address + (long) index * Float.BYTES);
        }
    }
}
