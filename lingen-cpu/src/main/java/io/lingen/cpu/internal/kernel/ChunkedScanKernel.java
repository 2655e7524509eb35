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
 * The selective scan in its chunked form, on matrix products. The steps are those of Dao and Gu, "Transformers are SSMs", 2024, listing 1
 * (see also the specification, section 3):
 *
 * <ol>
 *   <li>intra-chunk output, the diagonal blocks: Y = (L o C B^T) X, with L_ij = exp(s_i - s_j) dt_j and s the cumulative sums of dt A;
 *   <li>chunk state: the contribution of the chunk's inputs to the state at its end;
 *   <li>inter-chunk recurrence: the state decays over the chunk, and the chunk state is added;
 *   <li>state to output, the off-diagonal blocks: Y += exp(s) C times the state before the chunk.
 * </ol>
 *
 * <p>Chunks are processed in blocks. First, the values that all heads share are computed for each chunk of a block: B, C, C B^T, the time
 * steps and their sums. Then each task takes a slice of the heads through the four steps, chunk after chunk, with the state of the slice in
 * the cache.
 *
 * <p>The kernel chooses its own chunk size, which affects rounding only. Operands of products have the type of the projection if {@link
 * MatrixKernel#gemmType} allows it. Sums, time steps, exponentials and states are F32.
 */
public final class ChunkedScanKernel implements SelectiveScanKernel {
    /** The number of chunks of a block. */
    private static final int BLOCK = 32;

    /** The largest width of a slice: its state and a chunk of its inputs fit the L2 cache. */
    private static final int SLICE_WIDTH = 384;

    /** The number of channels that are convolved at a time: all steps of a chunk fit the L1 cache. */
    private static final int CHANNELS = 64;

    private static final int CHUNK = 64;

    private final WorkerPool pool;
    private final SizeClassAllocator memory;
    private final FloatKernels loops;
    private final ChunkKernels chunkLoops;
    private final MatrixKernel matrix;

    /**
     * Creates a kernel.
     *
     * @param pool the threads
     * @param memory the allocator of intermediate results
     * @param loops the inner loops
     * @param chunkLoops the inner loops of a chunk
     * @param matrix the matrix products
     */
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
                new ScanChunk.Layout(spec, matrix.gemmType(projection.dtype()), chunkSteps(path.steps()));
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

    /** Returns the number of heads per slice: the largest divisor of a group that fits the width and leaves a slice for every thread. */
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
     * The arguments and buffers of a call.
     *
     * @param skip the address of D, [heads]
     * @param chunks the address of the chunks of a block
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
        /** Returns chunk {@code index} of the block whose first chunk is {@code block}. */
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
     * A range of channels of the convolution.
     *
     * @param column the column of the first channel in the projection
     * @param channel the index of the first channel in the convolution
     * @param count the number of channels
     */
    private record Channels(long column, int channel, int count) {
        Channels part(int from, int most) {
            return new Channels(column + from, channel + from, Math.min(most, count - from));
        }
    }

    /** Computes the values of a chunk that all heads share. */
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

    /** Computes the time steps, their sums and the decays: by head for the intra-chunk outputs, by step for the states. */
    private void shareTimes(Run run, ScanChunk chunk, Scratch scratch) {
        int heads = run.layout.heads;
        int steps = chunk.steps;
        long dt = scratch.floats((long) steps * heads);
        // The sums of dt A are computed in the buffer of the decays, their exponentials.
        run.times.gather(chunk.first, steps, dt, chunk.decays(0), scratch);
        for (int head = 0; head < heads; head++) {
            long sums = chunk.sums(head);
            long dtOfHead = chunk.dt(head);
            // Double precision: rounding errors of single steps would add up in the differences of the sums.
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

    /** A slice: some heads of one group, with their state and buffers. */
    private final class Slice {
        private final Run run;
        private final Worker worker;
        private final int head;
        private final int heads;
        private final int group;
        private final int p;
        private final int n;
        private final DType dtype;
        private final MatrixView state; // [n, width] in F32
        private final MatrixView stateBefore; // the state before the chunk, [n, width] in the GEMM's type
        private final MatrixView inputs; // x, [steps, width] in the GEMM's type
        private final MatrixView scaledInputs; // x times its weight in the chunk state
        private final MatrixView intraChunkMatrix; // L o C B^T + D of one head, [steps, steps] in the GEMM's type
        private final long factors;
        private final MatrixView intraChunkOutput; // [steps, width] in F32
        private final MatrixView stateOutput; // [steps, width] in F32, before the decay

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

        /** Advances by one chunk: computes its outputs and the state after it. */
        private void advance(ScanChunk chunk, boolean accumulate, PooledTensor out) {
            long mark = worker.scratch().mark();
            int firstOutput = (int) Math.min(chunk.steps, Math.max(0, run.path.warmUpSteps() - chunk.first));
            boolean hasOutput = firstOutput < chunk.steps;
            loadInputs(chunk);
            if (hasOutput) {
                intraChunkOutput(chunk); // step 1
            }
            interChunkRecurrence(chunk); // step 3, before step 2 adds to the decayed state in place
            chunkState(chunk); // step 2
            if (hasOutput) {
                stateToOutput(chunk); // step 4
                store(chunk, firstOutput, accumulate, out);
            }
            worker.scratch().release(mark);
        }

        /** Computes the inputs, and the inputs times their weights in the chunk state. */
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

        /** Step 1, diagonal blocks: computes Y = (L o C B^T + D) X for each head. */
        private void intraChunkOutput(ScanChunk chunk) {
            int steps = chunk.steps;
            MatrixView left = intraChunkMatrix.part(steps, 0, steps);
            for (int i = 0; i < heads; i++) {
                chunkLoops.intraChunkMatrix(
                        chunk.products(group).address(),
                        chunk.sums(head + i),
                        chunk.dt(head + i),
                        RawMemory.getFloat(run.skip + (long) (head + i) * Float.BYTES),
                        steps,
                        run.layout.steps,
                        factors,
                        left.address(),
                        dtype);
                multiply(left, inputs.part(steps, i * p, p), intraChunkOutput.part(steps, i * p, p), false);
            }
        }

        /** Step 2: adds the chunk state to the decayed state, state += B^T times the scaled inputs. */
        private void chunkState(ScanChunk chunk) {
            multiply(chunk.b(group).transpose(), scaledInputs.rows(0, chunk.steps), state, true);
        }

        /** Step 3: copies the state before the chunk, and multiplies the state by the decay of each head over the chunk. */
        private void interChunkRecurrence(ScanChunk chunk) {
            long decays = chunk.decays(chunk.steps - 1, head);
            chunkLoops.decay(state.address(), n, heads, p, decays, stateBefore.address(), dtype);
        }

        /** Step 4, off-diagonal blocks: computes C times the state before the chunk. {@link #store} applies the decays. */
        private void stateToOutput(ScanChunk chunk) {
            multiply(chunk.c(group), stateBefore, stateOutput.rows(0, chunk.steps), false);
        }

        /** Writes the sums of both outputs for the steps from {@code firstOutput} on. */
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
