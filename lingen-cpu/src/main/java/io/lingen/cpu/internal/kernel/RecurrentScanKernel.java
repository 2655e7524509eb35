package io.lingen.cpu.internal.kernel;

import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.RawMemory;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.SizeClassAllocator;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.loop.FloatKernels;

/**
 * The selective scan as the recurrence of its definition, in F32 (specification, section 3). For each block of tokens, it convolves all
 * channels, then computes the steps of each head with the head's state in the cache.
 */
public final class RecurrentScanKernel implements SelectiveScanKernel {
    private static final int STEP_BLOCK = 128;
    private static final int CHANNEL_TASK = 512;

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
    public RecurrentScanKernel(WorkerPool pool, SizeClassAllocator memory, FloatKernels loops) {
        this.pool = pool;
        this.memory = memory;
        this.loops = loops;
    }

    /** The addresses of the F32 buffers of a block: convolved [steps, channels], dt and decay [steps, heads], states [heads, n, p]. */
    private record Buffers(long convolved, long dt, long decay, long states) {}

    @Override
    public void compute(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, PooledTensor y) {
        int channels = spec.channels();
        long states = (long) spec.innerWidth() * spec.stateSize();
        long elements = (long) STEP_BLOCK * (channels + 2L * spec.heads()) + states;
        SizeClassAllocator.Block block = memory.allocate(elements * Float.BYTES);
        PooledTensor projection = PooledTensor.of(input.projection());
        try (ScanConvolution convolution =
                new ScanConvolution(memory, loops, projection, path, weights.convWeight(), weights.convBias())) {
            long dt = block.address() + (long) STEP_BLOCK * channels * Float.BYTES;
            long decay = dt + (long) STEP_BLOCK * spec.heads() * Float.BYTES;
            Buffers buffers =
                    new Buffers(block.address(), dt, decay, decay + (long) STEP_BLOCK * spec.heads() * Float.BYTES);
            RawMemory.clear(buffers.states, states * Float.BYTES);
            ScanTimes times = new ScanTimes(loops, input, path, spec, weights);
            for (long first = 0; first < path.steps(); first += STEP_BLOCK) {
                int steps = (int) Math.min(STEP_BLOCK, path.steps() - first);
                convolve(convolution, times, input, spec, first, steps, buffers);
                scan(path, spec, weights, first, steps, buffers, accumulate, y);
            }
        } finally {
            memory.release(block);
        }
    }

    private void convolve(
            ScanConvolution convolution,
            ScanTimes times,
            ScanInput input,
            ScanSpec spec,
            long first,
            int steps,
            Buffers buffers) {
        int channels = spec.channels();
        int tasks = Math.ceilDiv(spec.innerWidth(), CHANNEL_TASK);
        pool.forEach(tasks + 3, (task, worker) -> {
            Scratch scratch = worker.scratch();
            if (task == tasks) {
                long count = (long) steps * spec.heads();
                times.gather(first, steps, buffers.dt, buffers.decay, scratch);
                loops.exp(buffers.decay, buffers.decay, Math.toIntExact(count));
                return;
            }
            int from;
            int to;
            long column;
            if (task < tasks) {
                from = task * CHANNEL_TASK;
                to = Math.min(spec.innerWidth(), from + CHANNEL_TASK);
                column = input.x() + from;
            } else {
                from = spec.innerWidth() + (task == tasks + 1 ? 0 : spec.groupWidth());
                to = from + spec.groupWidth();
                column = task == tasks + 1 ? input.b() : input.c();
            }
            long out = buffers.convolved + (long) from * Float.BYTES;
            convolution.gather(first, steps, from, to, column, out, channels, scratch);
        });
    }

    private void scan(
            ScanPath path,
            ScanSpec spec,
            ScanWeights weights,
            long first,
            int steps,
            Buffers buffers,
            boolean accumulate,
            PooledTensor y) {
        int p = spec.headDim();
        int n = spec.stateSize();
        int headsPerGroup = spec.heads() / spec.groups();
        long skip = PooledTensor.addressOf(weights.d());
        long prefix = path.prefixCells();
        pool.forEach(spec.heads(), (head, worker) -> {
            Scratch scratch = worker.scratch();
            long out = scratch.floats((long) steps * p);
            long b = spec.innerWidth() + (long) head / headsPerGroup * n;
            loops.scan(
                    buffers.convolved + (long) head * p * Float.BYTES,
                    buffers.convolved + b * Float.BYTES,
                    buffers.convolved + (b + spec.groupWidth()) * Float.BYTES,
                    spec.channels(),
                    buffers.dt + (long) head * Float.BYTES,
                    buffers.decay + (long) head * Float.BYTES,
                    spec.heads(),
                    RawMemory.getFloat(skip + (long) head * Float.BYTES),
                    buffers.states + (long) head * n * p * Float.BYTES,
                    p,
                    n,
                    steps,
                    out,
                    p);
            for (int step = (int) Math.min(steps, Math.max(0, path.warmUpSteps() - first)); step < steps; step++) {
                long row = path.row(first + step) - prefix;
                long target = y.rowAddress(row) + (long) head * p * y.dtype().bytes();
                Rows.store(loops, out + (long) step * p * Float.BYTES, target, y.dtype(), p, accumulate, scratch);
            }
        });
    }
}
