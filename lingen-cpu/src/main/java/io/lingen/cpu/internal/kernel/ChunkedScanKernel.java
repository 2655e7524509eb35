package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.op.ScanInput;
import io.lingen.core.op.ScanPath;
import io.lingen.core.op.ScanSpec;
import io.lingen.core.op.ScanWeights;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.RawMemory;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.SizeClassAllocator;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.WorkerPool.Worker;
import io.lingen.cpu.internal.loop.ChunkKernels;
import io.lingen.cpu.internal.loop.FloatKernels;

/**
 * The selective scan in its chunked form on matrix products (Dao and Gu, "Transformers are SSMs", 2024, listing 1; specification, section
 * 3). Its steps are the paper's:
 *
 * <ol>
 *   <li>intra-chunk output, the diagonal blocks: Y = (L o C B^T) X, with L_ij = exp(s_i - s_j) dt_j and s the cumulative sums of dt A;
 *   <li>chunk state: what the chunk's own inputs leave in the state at its end;
 *   <li>inter-chunk recurrence: the state decays over the chunk, and the chunk's own is added;
 *   <li>state to output, the off-diagonal blocks: Y += exp(s) C times the state before the chunk.
 * </ol>
 *
 * <p>Of a block of chunks, what all heads share comes first, chunk by chunk: B, C, C B^T, the time steps and their sums. Then slices of
 * the heads take the four steps chunk after chunk, with the slice's state in the cache.
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
    private final SizeClassAllocator memory;
    private final FloatKernels loops;
    private final ChunkKernels chunkLoops;
    private final MatrixKernel matrix;

    public ChunkedScanKernel(
            WorkerPool pool,
            SizeClassAllocator memory,
            FloatKernels loops,
            ChunkKernels chunkLoops,
            MatrixKernel matrix) {
        this.pool = pool;
        this.memory = memory;
        this.loops = loops;
        this.chunkLoops = chunkLoops;
        this.matrix = matrix;
    }

    @Override
    public void compute(
            ScanInput input, ScanPath path, ScanSpec spec, ScanWeights weights, boolean accumulate, PooledTensor y) {
        PooledTensor projection = PooledTensor.of(input.projection());
        ScanChunk.Layout layout =
                new ScanChunk.Layout(spec, matrix.productType(projection.dtype()), chunkSteps(path.steps()));
        int chunks = Math.toIntExact(Math.ceilDiv(path.steps(), layout.steps));
        int blockChunks = Math.min(chunks, Math.max(BLOCK, 4 * pool.size()));
        int sliceHeads = sliceHeads(spec);
        long stateBytes = (long) spec.stateSize() * spec.innerWidth() * Float.BYTES;
        long shared = blockChunks * layout.byteSize;
        long zeros = projection.rowBytes();
        SizeClassAllocator.Block block = memory.allocate(shared + stateBytes + zeros);
        try (ScanConvolution convolution =
                new ScanConvolution(memory, loops, projection, path, weights.convWeight(), weights.convBias())) {
            RawMemory.clear(block.address() + shared, stateBytes + zeros);
            Run run = new Run(
                    layout,
                    input,
                    projection,
                    path,
                    spec,
                    PooledTensor.addressOf(weights.d()),
                    convolution,
                    new ScanTimes(loops, input, path, spec, weights),
                    block.address(),
                    block.address() + shared + stateBytes);
            for (int first = 0; first < chunks; first += blockChunks) {
                int from = first;
                int count = Math.min(blockChunks, chunks - first);
                pool.forEach(count, (task, worker) -> share(run, run.chunk(from, task), worker));
                pool.forEach(spec.heads() / sliceHeads, (task, worker) -> {
                    int head = task * sliceHeads;
                    long offset = (long) head * spec.headDim() * spec.stateSize() * Float.BYTES;
                    Slice slice = new Slice(run, head, sliceHeads, block.address() + shared + offset, worker);
                    for (int i = 0; i < count; i++) {
                        slice.advance(run.chunk(from, i), accumulate, y);
                    }
                });
            }
        } finally {
            memory.release(block);
        }
    }

    private static int chunkSteps(long steps) {
        return (int) Math.min(CHUNK, Math.ceilDiv(steps, ChunkKernels.ROW_MULTIPLE) * ChunkKernels.ROW_MULTIPLE);
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

    /**
     * What a call works on.
     *
     * @param skip the address of D, [heads]
     * @param chunks the address of a block of chunks
     * @param zeros the address of a row of zeros
     */
    private record Run(
            ScanChunk.Layout layout,
            ScanInput input,
            PooledTensor projection,
            ScanPath path,
            ScanSpec spec,
            long skip,
            ScanConvolution convolution,
            ScanTimes times,
            long chunks,
            long zeros) {
        /** A chunk of the block that begins with chunk {@code block}. */
        ScanChunk chunk(int block, int index) {
            long first = (long) (block + index) * layout.steps;
            int steps = (int) Math.min(layout.steps, path.steps() - first);
            return new ScanChunk(layout, chunks + index * layout.byteSize, first, steps);
        }

        Channels x(int channel, int count) {
            return new Channels(input.x() + channel, channel, count);
        }

        Channels b() {
            return new Channels(input.b(), spec.innerWidth(), spec.groupWidth());
        }

        Channels c() {
            return new Channels(input.c(), spec.innerWidth() + spec.groupWidth(), spec.groupWidth());
        }
    }

    /**
     * Neighbouring channels of the convolution.
     *
     * @param column of the first one in the projection
     * @param channel the first one's index among the convolution's channels
     */
    private record Channels(long column, int channel, int count) {
        Channels part(int from, int most) {
            return new Channels(column + from, channel + from, Math.min(most, count - from));
        }
    }

    /** Computes what all heads share of a chunk. */
    private void share(Run run, ScanChunk chunk, Worker worker) {
        for (int step = 1 - run.convolution.taps(); step < chunk.steps; step++) {
            long at = chunk.first + step;
            chunk.setRow(step, at < 0 ? run.zeros : run.projection.rowAddress(run.path.row(at)));
        }
        convolve(run, chunk, run.b(), chunk.b(), worker.scratch());
        convolve(run, chunk, run.c(), chunk.c(), worker.scratch());
        for (int group = 0; group < run.layout.groups; group++) {
            matrix.multiply(chunk.c(group), chunk.b(group).transpose(), chunk.products(group), false, worker);
        }
        shareTimes(run, chunk, worker.scratch());
    }

    /** Computes SiLU of the convolution of some channels, rounded to the type of {@code out}, [steps, channels]. */
    private void convolve(Run run, ScanChunk chunk, Channels channels, MatrixView out, Scratch scratch) {
        long mark = scratch.mark();
        for (int from = 0; from < channels.count; from += CHANNELS) {
            Channels part = channels.part(from, CHANNELS);
            long values = convolve(run, chunk, part, scratch);
            for (int step = 0; step < chunk.steps; step++) {
                long value = values + (long) step * part.count * Float.BYTES;
                loops.store(value, out.at(step, from), out.dtype(), part.count);
            }
        }
        scratch.release(mark);
    }

    /** Returns the address of SiLU of the convolution of some channels, F32, [steps, channels] in scratch memory. */
    private long convolve(Run run, ScanChunk chunk, Channels channels, Scratch scratch) {
        ScanConvolution convolution = run.convolution;
        int count = channels.count;
        int past = convolution.taps() - 1;
        long values = scratch.floats((long) chunk.steps * count);
        long gathered = scratch.floats((long) (past + chunk.steps) * count);
        DType dtype = run.projection.dtype();
        long column = channels.column * dtype.bytes();
        for (int i = 0; i < past + chunk.steps; i++) {
            loops.load(chunk.row(i - past) + column, dtype, gathered + (long) i * count * Float.BYTES, count);
        }
        loops.causalConvolution(
                gathered,
                count,
                chunk.steps,
                count,
                convolution.taps(),
                convolution.weight(channels.channel),
                convolution.channels(),
                convolution.bias(channels.channel),
                values,
                count);
        loops.silu(values, values, chunk.steps * count);
        return values;
    }

    /** Computes the time steps and what follows from them: by heads for intra-chunk outputs, by steps for the states. */
    private void shareTimes(Run run, ScanChunk chunk, Scratch scratch) {
        int heads = run.layout.heads;
        int steps = chunk.steps;
        long dt = scratch.floats((long) steps * heads);
        // The sums of dt A are formed where their exponentials will be.
        run.times.gather(chunk.first, steps, dt, chunk.decays(0), scratch);
        for (int head = 0; head < heads; head++) {
            long sums = chunk.sums(head);
            long dtOfHead = chunk.dt(head);
            // In double: differences of the sums are exponentiated, and must not carry the rounding of every step.
            double sum = 0;
            for (int step = 0; step < steps; step++) {
                long of = (long) step * Float.BYTES;
                sum += RawMemory.getFloat(chunk.decays(step, head));
                RawMemory.setFloat(chunk.decays(step, head), (float) sum);
                RawMemory.setFloat(sums + of, (float) sum);
                RawMemory.setFloat(dtOfHead + of, RawMemory.getFloat(dt + ((long) step * heads + head) * Float.BYTES));
            }
        }
        for (int step = 0; step < steps; step++) {
            loops.copy(chunk.decays(steps - 1), chunk.stateWeights(step), heads);
            loops.addScaled(-1, chunk.decays(step), chunk.stateWeights(step), heads);
        }
        long weights = chunk.stateWeights(0);
        loops.exp(weights, weights, steps * heads);
        loops.multiply(1, weights, dt, weights, steps * heads);
        loops.exp(chunk.decays(0), chunk.decays(0), steps * heads);
    }

    /** Some heads of one group, on their way from chunk to chunk. */
    private final class Slice {
        private final Run run;
        private final Worker worker;
        private final int head;
        private final int heads;
        private final int group;
        private final int p;
        private final int n;
        private final DType dtype;
        /** F32, [n, width]. */
        private final MatrixView state;
        /** The state before the chunk in the products' type, [n, width]. */
        private final MatrixView stateBefore;
        /** The chunk's inputs x in the products' type, [steps, width]. */
        private final MatrixView inputs;
        /** The same times their weights in the chunk's state. */
        private final MatrixView scaledInputs;
        /** L o C B^T + D of one head in the products' type, [steps, steps]. */
        private final MatrixView intraChunkMatrix;

        private final long factors;
        /** F32, [steps, width]. */
        private final MatrixView intraChunkOutput;
        /** F32, [steps, width], not yet decayed. */
        private final MatrixView stateOutput;

        private Slice(Run run, int head, int heads, long state, Worker worker) {
            this.run = run;
            this.worker = worker;
            this.head = head;
            this.heads = heads;
            group = head / (run.layout.heads / run.layout.groups);
            p = run.spec.headDim();
            n = run.layout.n;
            dtype = run.layout.dtype;
            int width = heads * p;
            int steps = run.layout.steps;
            this.state = MatrixView.of(state, DType.F32, n, width, width);
            stateBefore = scratch(dtype, n, width);
            inputs = scratch(dtype, steps, width);
            scaledInputs = scratch(dtype, steps, width);
            intraChunkMatrix = scratch(dtype, steps, steps);
            RawMemory.clear(intraChunkMatrix.address(), (long) steps * steps * dtype.bytes());
            factors = worker.scratch().floats((long) steps + ChunkKernels.ROW_MULTIPLE);
            intraChunkOutput = scratch(DType.F32, steps, width);
            stateOutput = scratch(DType.F32, steps, width);
        }

        private MatrixView scratch(DType dtype, int rows, int columns) {
            long address = worker.scratch().bytes((long) rows * columns * dtype.bytes());
            return MatrixView.of(address, dtype, rows, columns, columns);
        }

        /** Advances by one chunk: computes its outputs, and the state after it. */
        private void advance(ScanChunk chunk, boolean accumulate, PooledTensor out) {
            long mark = worker.scratch().mark();
            int firstOutput = (int) Math.min(chunk.steps, Math.max(0, run.path.warmUpSteps() - chunk.first));
            boolean hasOutput = firstOutput < chunk.steps;
            loadInputs(chunk);
            if (hasOutput) {
                intraChunkOutput(chunk); // step 1
            }
            interChunkRecurrence(chunk); // step 3 before 2, which adds to the decayed state in place
            chunkState(chunk);
            if (hasOutput) {
                stateToOutput(chunk); // step 4
                store(chunk, firstOutput, accumulate, out);
            }
            worker.scratch().release(mark);
        }

        /** Computes the inputs, and the same times their weights in the chunk's state. */
        private void loadInputs(ScanChunk chunk) {
            Scratch scratch = worker.scratch();
            int atOnce = Math.max(1, CHANNELS / p);
            for (int from = 0; from < heads; from += atOnce) {
                long mark = scratch.mark();
                int count = Math.min(atOnce, heads - from);
                long values = convolve(run, chunk, run.x((head + from) * p, count * p), scratch);
                chunkLoops.scaleInputs(
                        values,
                        chunk.steps,
                        count,
                        p,
                        chunk.stateWeights(0, head + from),
                        run.layout.heads,
                        inputs.at(0, from * p),
                        scaledInputs.at(0, from * p),
                        inputs.columns(),
                        dtype);
                scratch.release(mark);
            }
        }

        /** Step 1, diagonal blocks: Y = (L o C B^T + D) X, head by head. */
        private void intraChunkOutput(ScanChunk chunk) {
            int steps = chunk.steps;
            MatrixView mix = intraChunkMatrix.part(steps, 0, steps);
            for (int i = 0; i < heads; i++) {
                chunkLoops.intraChunkMatrix(
                        chunk.products(group).address(),
                        chunk.sums(head + i),
                        chunk.dt(head + i),
                        RawMemory.getFloat(run.skip + (long) (head + i) * Float.BYTES),
                        steps,
                        run.layout.steps,
                        factors,
                        mix.address(),
                        dtype);
                multiply(mix, inputs.part(steps, i * p, p), intraChunkOutput.part(steps, i * p, p), false);
            }
        }

        /** Step 2, added to the decayed state: state += B^T times the scaled inputs. */
        private void chunkState(ScanChunk chunk) {
            multiply(chunk.b(group).transpose(), scaledInputs.rows(0, chunk.steps), state, true);
        }

        /** Step 3: keeps the state before the chunk, and decays it over the chunk, each head by its own factor. */
        private void interChunkRecurrence(ScanChunk chunk) {
            long decays = chunk.decays(chunk.steps - 1, head);
            chunkLoops.decay(state.address(), n, heads, p, decays, stateBefore.address(), dtype);
        }

        /** Step 4, off-diagonal blocks: C times the state before the chunk; its decays are applied by {@link #store}. */
        private void stateToOutput(ScanChunk chunk) {
            multiply(chunk.c(group), stateBefore, stateOutput.rows(0, chunk.steps), false);
        }

        /** Writes the sums of both outputs from a step on. */
        private void store(ScanChunk chunk, int firstOutput, boolean accumulate, PooledTensor out) {
            long column = (long) head * p * out.dtype().bytes();
            for (int step = firstOutput; step < chunk.steps; step++) {
                long row = run.path.row(chunk.first + step) - run.path.prefixCells();
                chunkLoops.addStateOutput(
                        intraChunkOutput.at(step, 0),
                        stateOutput.at(step, 0),
                        chunk.decays(step, head),
                        heads,
                        p,
                        accumulate,
                        out.rowAddress(row) + column,
                        out.dtype());
            }
        }

        private void multiply(MatrixView a, MatrixView b, MatrixView c, boolean accumulate) {
            matrix.multiply(a, b, c, accumulate, worker);
        }
    }
}
