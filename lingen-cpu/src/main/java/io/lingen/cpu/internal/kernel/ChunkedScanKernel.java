package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import io.lingen.cpu.internal.CpuMemory;
import io.lingen.cpu.internal.CpuTensor;
import io.lingen.cpu.internal.Memory;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.WorkerPool.Worker;
import io.lingen.cpu.internal.span.ScanSpans;
import io.lingen.cpu.internal.span.Spans;

/**
 * The selective scan in its chunked form on matrix products (specification, section 3; Dao and Gu, "Transformers are SSMs", 2024). Of a
 * block of chunks first what all heads share, chunk by chunk: B, C, B^T C, the time steps and their cumulative sums. Then, slice by slice
 * of the heads, chunk after chunk with the slice's state in the cache.
 *
 * <p>The chunk's length is chosen here, by the sizes of state and head; the specification's is that of the checkpoint's training and
 * doesn't change the result. Products are formed in the projection's type where {@link MatrixKernel#productType} allows it; sums, time
 * steps, exponentials and states are F32.
 */
public final class ChunkedScanKernel implements SelectiveScanKernel {
    /** Chunks whose shared parts are in memory at once. */
    private static final int BLOCK = 32;

    /** The columns of a slice: its state and its chunks stay in the second cache level. */
    private static final int SLICE_WIDTH = 384;

    private final WorkerPool pool;
    private final CpuMemory memory;
    private final Spans spans;
    private final ScanSpans scans;
    private final MatrixKernel matrix;

    public ChunkedScanKernel(WorkerPool pool, CpuMemory memory, Spans spans, ScanSpans scans, MatrixKernel matrix) {
        this.pool = pool;
        this.memory = memory;
        this.spans = spans;
        this.scans = scans;
        this.matrix = matrix;
    }

    @Override
    public void compute(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, CpuTensor y) {
        CpuTensor projection = CpuTensor.of(input.projection());
        Layout layout = new Layout(spec, matrix.productType(projection.dtype()), chunk(spec, path.steps()));
        int chunks = Math.toIntExact(Math.ceilDiv(path.steps(), layout.chunk));
        int blockChunks = Math.min(chunks, Math.max(BLOCK, 4 * pool.size()));
        int sliceHeads = sliceHeads(spec);
        CpuMemory.Block shared = memory.allocate(blockChunks * layout.chunkBytes);
        CpuMemory.Block states = memory.allocate((long) spec.stateSize() * spec.innerWidth() * Float.BYTES);
        try (ScanConvolution convolution =
                new ScanConvolution(memory, spans, projection, path, weights.convWeight(), weights.convBias())) {
            Memory.clear(states.address(), (long) spec.stateSize() * spec.innerWidth() * Float.BYTES);
            ScanTimes times = new ScanTimes(spans, input, path, spec, weights);
            Run run = new Run(layout, input, path, spec, CpuTensor.addressOf(weights.d()), convolution, times);
            for (int first = 0; first < chunks; first += blockChunks) {
                int from = first;
                int count = Math.min(blockChunks, chunks - first);
                pool.forEach(
                        count,
                        (task, worker) -> share(run, from + task, shared.address() + task * layout.chunkBytes, worker));
                pool.forEach(spec.heads() / sliceHeads, (task, worker) -> {
                    int head = task * sliceHeads;
                    long state = states.address() + (long) head * spec.headDim() * spec.stateSize() * Float.BYTES;
                    Slice slice = new Slice(run, head, sliceHeads, state, worker);
                    for (int i = 0; i < count; i++) {
                        slice.advance(from + i, shared.address() + i * layout.chunkBytes, accumulate, y);
                    }
                });
            }
        } finally {
            memory.release(states);
            memory.release(shared);
        }
    }

    /**
     * Tokens per chunk. Work per token grows with the chunk inside it, and with the state's share of every chunk outside: they are even near
     * the root of state size times head dimension.
     */
    private static int chunk(ScanSpec spec, long steps) {
        long even = Math.round(Math.sqrt((double) spec.stateSize() * spec.headDim()));
        int chunk = even > 48 ? 128 : 64;
        return (int) Math.min(chunk, (steps + 15) / 16 * 16);
    }

    /** Heads per slice: as many of a group as the width allows, so that the slices spread evenly over the threads. */
    private int sliceHeads(ScanSpec spec) {
        int group = spec.heads() / spec.groups();
        int best = 1;
        for (int heads = 1; heads <= group && heads * spec.headDim() <= SLICE_WIDTH; heads++) {
            if (group % heads == 0 && (heads == 1 || spec.heads() / heads >= pool.size())) {
                best = heads;
            }
        }
        return best;
    }

    /** Where the shared parts of a chunk lie, in bytes from the chunk's address. */
    private static final class Layout {
        private final DType dtype;
        private final int chunk;
        private final int groups;
        private final int n;
        private final int heads;
        private final long b;
        private final long c;
        private final long products;
        private final long sums;
        private final long dt;
        private final long decays;
        private final long weights;
        private final long chunkBytes;

        private Layout(ScanSpec spec, DType dtype, int chunk) {
            this.dtype = dtype;
            this.chunk = chunk;
            groups = spec.groups();
            n = spec.stateSize();
            heads = spec.heads();
            long bc = Memory.aligned((long) chunk * spec.groupWidth() * dtype.bytes());
            long times = Memory.aligned((long) chunk * heads * Float.BYTES);
            b = 0;
            c = b + bc;
            products = c + bc;
            sums = products + (long) groups * chunk * chunk * Float.BYTES;
            dt = sums + times;
            decays = dt + times;
            weights = decays + times;
            chunkBytes = weights + times;
        }

        /** B of a group as [steps, n] within [chunk, groups, n]; with {@code c} for {@code b}, C. */
        private MatrixView rows(long address, int group, int steps) {
            return MatrixView.of(address + (long) group * n * dtype.bytes(), dtype, steps, n, (long) groups * n);
        }
    }

    /** What a call works on. */
    private record Run(
            Layout layout,
            ScanInput input,
            ScanPath path,
            ScanSpec spec,
            long skip,
            ScanConvolution convolution,
            ScanTimes times) {
        long first(int chunk) {
            return (long) chunk * layout.chunk;
        }

        int steps(int chunk) {
            return (int) Math.min(layout.chunk, path.steps() - first(chunk));
        }
    }

    /** Computes what all heads share of a chunk. */
    private void share(Run run, int chunk, long target, Worker worker) {
        Layout layout = run.layout;
        Scratch scratch = worker.scratch();
        int steps = run.steps(chunk);
        int width = run.spec.groupWidth();
        int channel = run.spec.innerWidth();
        long values = scratch.floats((long) steps * width);
        run.convolution.gather(
                run.first(chunk), steps, channel, channel + width, run.input.b(), values, width, scratch);
        spans.store(values, target + layout.b, layout.dtype, steps * width);
        channel += width;
        run.convolution.gather(
                run.first(chunk), steps, channel, channel + width, run.input.c(), values, width, scratch);
        spans.store(values, target + layout.c, layout.dtype, steps * width);
        for (int group = 0; group < layout.groups; group++) {
            MatrixView b = layout.rows(target + layout.b, group, steps);
            MatrixView c = layout.rows(target + layout.c, group, steps);
            long products = target + layout.products + (long) group * layout.chunk * layout.chunk * Float.BYTES;
            matrix.multiply(
                    c, b.transpose(), MatrixView.of(products, DType.F32, steps, steps, layout.chunk), false, worker);
        }
        shareTimes(run, chunk, steps, target, scratch);
    }

    /** The time steps, and what follows from them: head by head for the inputs' decay, step by step for the states'. */
    private void shareTimes(Run run, int chunk, int steps, long target, Scratch scratch) {
        Layout layout = run.layout;
        int heads = layout.heads;
        long rowBytes = (long) heads * Float.BYTES;
        long dt = scratch.floats((long) steps * heads);
        long decays = target + layout.decays;
        run.times.gather(run.first(chunk), steps, dt, decays, scratch);
        for (int head = 0; head < heads; head++) {
            long sumOfHead = target + layout.sums + (long) head * layout.chunk * Float.BYTES;
            long dtOfHead = target + layout.dt + (long) head * layout.chunk * Float.BYTES;
            // In double: differences of the sums are exponentiated, and must not carry the rounding of every step.
            double sum = 0;
            for (int step = 0; step < steps; step++) {
                long at = step * rowBytes + (long) head * Float.BYTES;
                sum += Memory.getFloat(decays + at);
                Memory.setFloat(decays + at, (float) sum);
                Memory.setFloat(sumOfHead + (long) step * Float.BYTES, (float) sum);
                Memory.setFloat(dtOfHead + (long) step * Float.BYTES, Memory.getFloat(dt + at));
            }
        }
        long last = decays + (steps - 1) * rowBytes;
        long weights = target + layout.weights;
        for (int step = 0; step < steps; step++) {
            spans.copy(last, weights + step * rowBytes, heads);
            spans.addScaled(-1, decays + step * rowBytes, weights + step * rowBytes, heads);
        }
        spans.exp(weights, weights, steps * heads);
        spans.multiply(1, weights, dt, weights, steps * heads);
        spans.exp(decays, decays, steps * heads);
    }

    /** Some heads of one group, on their way from chunk to chunk. */
    private final class Slice {
        private final Run run;
        private final Layout layout;
        private final Worker worker;
        private final int head;
        private final int heads;
        private final int p;
        private final int n;
        private final int width;
        private final long state;
        private final long x;
        private final long y;
        /** The state of the chunk before, [n, width], and below it the chunk's inputs, [chunk, width]. */
        private final long operand;

        private final long weighted;
        private final long mix;

        /** @param state [n, heads, p] */
        private Slice(Run run, int head, int heads, long state, Worker worker) {
            this.run = run;
            this.layout = run.layout;
            this.worker = worker;
            this.head = head;
            this.heads = heads;
            this.state = state;
            p = run.spec.headDim();
            n = layout.n;
            width = heads * p;
            int bytes = layout.dtype.bytes();
            Scratch scratch = worker.scratch();
            x = scratch.floats((long) layout.chunk * width);
            y = scratch.floats((long) layout.chunk * width);
            operand = scratch.bytes((long) (n + layout.chunk) * width * bytes);
            weighted = scratch.bytes((long) layout.chunk * width * bytes);
            long mixBytes = (long) layout.chunk * (n + layout.chunk) * bytes;
            mix = scratch.bytes(mixBytes);
            Memory.clear(mix, mixBytes);
        }

        /** Takes a chunk: state and outputs. */
        private void advance(int chunk, long shared, boolean accumulate, CpuTensor out) {
            Scratch scratch = worker.scratch();
            long mark = scratch.mark();
            long first = run.first(chunk);
            int steps = run.steps(chunk);
            int from = head * p;
            run.convolution.gather(first, steps, from, from + width, run.input.x() + from, x, width, scratch);
            int group = head / (layout.heads / layout.groups);
            long decays = shared + layout.decays;
            long lastDecays = decays + ((steps - 1L) * layout.heads + head) * Float.BYTES;
            long inputs = operand + (long) n * width * layout.dtype.bytes();
            long weights = shared + layout.weights + (long) head * Float.BYTES;
            scans.decay(state, n, heads, p, lastDecays, operand, width, layout.dtype);
            scans.weigh(x, steps, heads, p, weights, layout.heads, inputs, width, weighted, layout.dtype);
            matrix.multiply(
                    layout.rows(shared + layout.b, group, steps).transpose(),
                    MatrixView.of(weighted, layout.dtype, steps, width, width),
                    MatrixView.of(state, DType.F32, n, width, width),
                    true,
                    worker);
            scratch.release(mark);
            long begin = Math.max(0, run.path.warmUpSteps() - first);
            if (begin < steps) {
                outputs(shared, group, steps);
                store(first, (int) begin, steps, accumulate, out);
            }
            scratch.release(mark);
        }

        private void outputs(long shared, int group, int steps) {
            DType dtype = layout.dtype;
            int stride = n + layout.chunk;
            long c = shared + layout.c + (long) group * n * dtype.bytes();
            long products = shared + layout.products + (long) group * layout.chunk * layout.chunk * Float.BYTES;
            for (int i = 0; i < heads; i++) {
                long ofHead = (long) (head + i) * layout.chunk * Float.BYTES;
                scans.mix(
                        c,
                        layout.groups * n,
                        n,
                        products,
                        layout.chunk,
                        shared + layout.sums + ofHead,
                        shared + layout.decays + (long) (head + i) * Float.BYTES,
                        layout.heads,
                        shared + layout.dt + ofHead,
                        Memory.getFloat(run.skip + (long) (head + i) * Float.BYTES),
                        steps,
                        mix,
                        stride,
                        dtype);
                long mark = worker.scratch().mark();
                matrix.multiply(
                        MatrixView.of(mix, dtype, steps, n + steps, stride),
                        MatrixView.of(operand + (long) i * p * dtype.bytes(), dtype, n + steps, p, width),
                        MatrixView.of(y + (long) i * p * Float.BYTES, DType.F32, steps, p, width),
                        false,
                        worker);
                worker.scratch().release(mark);
            }
        }

        private void store(long first, int begin, int steps, boolean accumulate, CpuTensor out) {
            long column = (long) head * p * out.dtype().bytes();
            long prefix = run.path.prefixCells();
            for (int step = begin; step < steps; step++) {
                long target = out.rowAddress(run.path.row(first + step) - prefix) + column;
                long values = y + (long) step * width * Float.BYTES;
                Rows.store(spans, values, target, out.dtype(), width, accumulate, worker.scratch());
            }
        }
    }
}
