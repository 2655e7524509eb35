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
 * block of chunks first what all heads share, chunk by chunk: B, C, C B^T, the time steps and their cumulative sums. Then, slice by slice
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

    /** Channels that are convolved at a time: with all steps of a chunk they stay in the first cache level. */
    private static final int CHANNELS = 64;

    private static final int CHUNK = 64;

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
        Layout layout = new Layout(spec, matrix.productType(projection.dtype()), chunk(path.steps()));
        int chunks = Math.toIntExact(Math.ceilDiv(path.steps(), layout.chunk));
        int blockChunks = Math.min(chunks, Math.max(BLOCK, 4 * pool.size()));
        int sliceHeads = sliceHeads(spec);
        long stateBytes = (long) spec.stateSize() * spec.innerWidth() * Float.BYTES;
        long shared = blockChunks * layout.chunkBytes;
        long zeros = projection.rowBytes();
        CpuMemory.Block block = memory.allocate(shared + stateBytes + zeros);
        try (ScanConvolution convolution =
                new ScanConvolution(memory, spans, projection, path, weights.convWeight(), weights.convBias())) {
            Memory.clear(block.address() + shared, stateBytes + zeros);
            Run run = new Run(
                    layout,
                    input,
                    projection,
                    path,
                    spec,
                    CpuTensor.addressOf(weights.d()),
                    convolution,
                    new ScanTimes(spans, input, path, spec, weights),
                    block.address() + shared + stateBytes);
            for (int first = 0; first < chunks; first += blockChunks) {
                int from = first;
                int count = Math.min(blockChunks, chunks - first);
                pool.forEach(count, (task, worker) -> {
                    share(run, from + task, block.address() + task * layout.chunkBytes, worker);
                });
                pool.forEach(spec.heads() / sliceHeads, (task, worker) -> {
                    long offset = (long) task * sliceHeads * spec.headDim() * spec.stateSize() * Float.BYTES;
                    long state = block.address() + shared + offset;
                    Slice slice = new Slice(run, task * sliceHeads, sliceHeads, state, worker);
                    for (int i = 0; i < count; i++) {
                        slice.advance(from + i, block.address() + i * layout.chunkBytes, accumulate, y);
                    }
                });
            }
        } finally {
            memory.release(block);
        }
    }

    private static int chunk(long steps) {
        return (int) Math.min(CHUNK, Math.ceilDiv(steps, ScanSpans.ROW_MULTIPLE) * ScanSpans.ROW_MULTIPLE);
    }

    /** Heads per slice: as many of a group as the width allows, so that there are slices for all threads. */
    private int sliceHeads(ScanSpec spec) {
        int group = spec.heads() / spec.groups();
        int best = 1;
        for (int heads = 2; heads <= group && heads * spec.headDim() <= SLICE_WIDTH; heads++) {
            if (group % heads == 0 && spec.heads() / heads >= pool.size()) {
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
        /** B, [chunk, groups, n]. */
        private final long b = 0;
        /** C, [chunk, groups, n]. */
        private final long c;
        /** C B^T, [groups, chunk, chunk]. */
        private final long products;
        /** The cumulative sums s of dt A, [heads, chunk]. */
        private final long sums;
        /** [heads, chunk] */
        private final long dt;
        /** exp(s), [chunk, heads]. */
        private final long decays;
        /** How much of a step's input is left at the chunk's end: dt exp(s_last - s), [chunk, heads]. */
        private final long weights;
        /** The addresses of the projection's rows, taps - 1 of the past and those of the chunk. */
        private final long rows;

        private final long chunkBytes;

        private Layout(ScanSpec spec, DType dtype, int chunk) {
            this.dtype = dtype;
            this.chunk = chunk;
            groups = spec.groups();
            n = spec.stateSize();
            heads = spec.heads();
            long bc = Memory.aligned((long) chunk * spec.groupWidth() * dtype.bytes());
            long times = Memory.aligned((long) chunk * heads * Float.BYTES);
            c = bc;
            products = c + bc;
            sums = products + (long) groups * chunk * chunk * Float.BYTES;
            dt = sums + times;
            decays = dt + times;
            weights = decays + times;
            rows = weights + times;
            chunkBytes = rows + Memory.aligned((long) (chunk + spec.convWidth() - 1) * Long.BYTES);
        }

        /** B or C of a group, [steps, n]. */
        private MatrixView ofGroup(long address, int group, int steps) {
            return MatrixView.of(address + (long) group * n * dtype.bytes(), dtype, steps, n, (long) groups * n);
        }
    }

    /** What a call works on; {@code zeros} is the address of a row of zeros. */
    private record Run(
            Layout layout,
            ScanInput input,
            CpuTensor projection,
            ScanPath path,
            ScanSpec spec,
            long skip,
            ScanConvolution convolution,
            ScanTimes times,
            long zeros) {
        long first(int chunk) {
            return (long) chunk * layout.chunk;
        }

        int steps(int chunk) {
            return (int) Math.min(layout.chunk, path.steps() - first(chunk));
        }
    }

    /** Computes what all heads share of a chunk. */
    private void share(Run run, int chunk, long shared, Worker worker) {
        Layout layout = run.layout;
        int steps = run.steps(chunk);
        int past = run.convolution.taps() - 1;
        for (int i = 0; i < past + steps; i++) {
            long step = run.first(chunk) + i - past;
            long row = step < 0 ? run.zeros : run.projection.rowAddress(run.path.row(step));
            Memory.setLong(shared + layout.rows + (long) i * Long.BYTES, row);
        }
        convolveShared(run, shared, steps, run.input.b(), run.spec.innerWidth(), shared + layout.b, worker);
        int ofC = run.spec.innerWidth() + run.spec.groupWidth();
        convolveShared(run, shared, steps, run.input.c(), ofC, shared + layout.c, worker);
        for (int group = 0; group < layout.groups; group++) {
            MatrixView b = layout.ofGroup(shared + layout.b, group, steps);
            MatrixView c = layout.ofGroup(shared + layout.c, group, steps);
            long products = shared + layout.products + (long) group * layout.chunk * layout.chunk * Float.BYTES;
            MatrixView target = MatrixView.of(products, DType.F32, steps, steps, layout.chunk);
            matrix.multiply(c, b.transpose(), target, false, worker);
        }
        shareTimes(run, chunk, steps, shared, worker.scratch());
    }

    private void convolveShared(Run run, long shared, int steps, long column, int channel, long target, Worker worker) {
        Scratch scratch = worker.scratch();
        long mark = scratch.mark();
        int width = run.spec.groupWidth();
        DType dtype = run.layout.dtype;
        for (int from = 0; from < width; from += CHANNELS) {
            int count = Math.min(CHANNELS, width - from);
            long values = convolve(run, shared, steps, column + from, channel + from, count, scratch);
            for (int step = 0; step < steps; step++) {
                long to = target + ((long) step * width + from) * dtype.bytes();
                spans.store(values + (long) step * count * Float.BYTES, to, dtype, count);
            }
        }
        scratch.release(mark);
    }

    /**
     * SiLU of the convolution of some channels.
     *
     * @param column the first one's in the projection
     * @param channel the first one among the convolution's
     * @return the address of [steps, count] F32 elements in scratch memory
     */
    private long convolve(Run run, long shared, int steps, long column, int channel, int count, Scratch scratch) {
        ScanConvolution convolution = run.convolution;
        int past = convolution.taps() - 1;
        long values = scratch.floats((long) steps * count);
        long gathered = scratch.floats((long) (past + steps) * count);
        DType dtype = run.projection.dtype();
        for (int i = 0; i < past + steps; i++) {
            long row = Memory.getLong(shared + run.layout.rows + (long) i * Long.BYTES);
            spans.load(row + column * dtype.bytes(), dtype, gathered + (long) i * count * Float.BYTES, count);
        }
        spans.causalConvolution(
                gathered,
                count,
                steps,
                count,
                convolution.taps(),
                convolution.weight(channel),
                convolution.channels(),
                convolution.bias(channel),
                values,
                count);
        spans.silu(values, values, steps * count);
        return values;
    }

    /** The time steps, and what follows from them: head by head for the inputs' decay, step by step for the states'. */
    private void shareTimes(Run run, int chunk, int steps, long shared, Scratch scratch) {
        Layout layout = run.layout;
        int heads = layout.heads;
        long rowBytes = (long) heads * Float.BYTES;
        long dt = scratch.floats((long) steps * heads);
        long decays = shared + layout.decays;
        run.times.gather(run.first(chunk), steps, dt, decays, scratch);
        for (int head = 0; head < heads; head++) {
            long sumOfHead = shared + layout.sums + (long) head * layout.chunk * Float.BYTES;
            long dtOfHead = shared + layout.dt + (long) head * layout.chunk * Float.BYTES;
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
        long weights = shared + layout.weights;
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
        private final int group;
        private final int p;
        private final int n;
        private final int width;
        /** F32, [n, width]. */
        private final long state;
        /** The state before the chunk as an operand, [n, width]. */
        private final long before;
        /** The chunk's inputs as an operand, [chunk, width]; likewise what is left of them at its end. */
        private final long inputs;

        private final long remains;
        /** The mixing matrix of one head, [chunk, chunk]. */
        private final long mix;

        private final long factors;
        /** F32, [chunk, width]: what the chunk's inputs give; likewise what the state before gives, not yet decayed. */
        private final long fromInputs;

        private final long fromState;

        private Slice(Run run, int head, int heads, long state, Worker worker) {
            this.run = run;
            this.layout = run.layout;
            this.worker = worker;
            this.head = head;
            this.heads = heads;
            this.group = head / (layout.heads / layout.groups);
            this.state = state;
            p = run.spec.headDim();
            n = layout.n;
            width = heads * p;
            int bytes = layout.dtype.bytes();
            Scratch scratch = worker.scratch();
            before = scratch.bytes((long) n * width * bytes);
            inputs = scratch.bytes((long) layout.chunk * width * bytes);
            remains = scratch.bytes((long) layout.chunk * width * bytes);
            long mixBytes = (long) layout.chunk * layout.chunk * bytes;
            mix = scratch.bytes(mixBytes);
            Memory.clear(mix, mixBytes);
            factors = scratch.floats((long) layout.chunk + ScanSpans.ROW_MULTIPLE);
            fromInputs = scratch.floats((long) layout.chunk * width);
            fromState = scratch.floats((long) layout.chunk * width);
        }

        /** Takes a chunk: its outputs, and the state after it. */
        private void advance(int chunk, long shared, boolean accumulate, CpuTensor out) {
            long mark = worker.scratch().mark();
            int steps = run.steps(chunk);
            long ofHeads = (long) head * Float.BYTES;
            long lastDecays = shared + layout.decays + (steps - 1L) * layout.heads * Float.BYTES + ofHeads;
            takeInputs(shared, steps);
            scans.decay(state, n, heads, p, lastDecays, before, layout.dtype);
            multiply(
                    layout.ofGroup(shared + layout.b, group, steps).transpose(),
                    MatrixView.of(remains, layout.dtype, steps, width, width),
                    MatrixView.of(state, DType.F32, n, width, width),
                    true);
            int begin = (int) Math.min(steps, Math.max(0, run.path.warmUpSteps() - run.first(chunk)));
            if (begin < steps) {
                multiply(
                        layout.ofGroup(shared + layout.c, group, steps),
                        MatrixView.of(before, layout.dtype, n, width, width),
                        MatrixView.of(fromState, DType.F32, steps, width, width),
                        false);
                mixInputs(shared, steps);
                finish(chunk, shared, begin, steps, accumulate, out);
            }
            worker.scratch().release(mark);
        }

        private void multiply(MatrixView a, MatrixView b, MatrixView c, boolean accumulate) {
            matrix.multiply(a, b, c, accumulate, worker);
        }

        /** The inputs as they are, and what is left of them at the chunk's end. */
        private void takeInputs(long shared, int steps) {
            Scratch scratch = worker.scratch();
            int atOnce = Math.max(1, CHANNELS / p);
            for (int from = 0; from < heads; from += atOnce) {
                long mark = scratch.mark();
                int count = Math.min(atOnce, heads - from);
                int channel = (head + from) * p;
                long values = convolve(run, shared, steps, run.input.x() + channel, channel, count * p, scratch);
                long to = (long) from * p * layout.dtype.bytes();
                scans.weigh(
                        values,
                        steps,
                        count,
                        p,
                        shared + layout.weights + (long) (head + from) * Float.BYTES,
                        layout.heads,
                        inputs + to,
                        remains + to,
                        width,
                        layout.dtype);
                scratch.release(mark);
            }
        }

        private void mixInputs(long shared, int steps) {
            DType dtype = layout.dtype;
            long products = shared + layout.products + (long) group * layout.chunk * layout.chunk * Float.BYTES;
            for (int i = 0; i < heads; i++) {
                long ofHead = (long) (head + i) * layout.chunk * Float.BYTES;
                scans.mix(
                        products,
                        shared + layout.sums + ofHead,
                        shared + layout.dt + ofHead,
                        Memory.getFloat(run.skip + (long) (head + i) * Float.BYTES),
                        steps,
                        layout.chunk,
                        factors,
                        mix,
                        dtype);
                multiply(
                        MatrixView.of(mix, dtype, steps, steps, layout.chunk),
                        MatrixView.of(inputs + (long) i * p * dtype.bytes(), dtype, steps, p, width),
                        MatrixView.of(fromInputs + (long) i * p * Float.BYTES, DType.F32, steps, p, width),
                        false);
            }
        }

        private void finish(int chunk, long shared, int begin, int steps, boolean accumulate, CpuTensor out) {
            long column = (long) head * p * out.dtype().bytes();
            for (int step = begin; step < steps; step++) {
                long row = run.path.row(run.first(chunk) + step) - run.path.prefixCells();
                long at = (long) step * width * Float.BYTES;
                long decays = shared + layout.decays + ((long) step * layout.heads + head) * Float.BYTES;
                scans.finish(
                        fromInputs + at,
                        fromState + at,
                        decays,
                        heads,
                        p,
                        accumulate,
                        out.rowAddress(row) + column,
                        out.dtype());
            }
        }
    }
}
