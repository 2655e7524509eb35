package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.op.Heads;
import io.lingen.core.op.Rotation;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.SizeClassAllocator;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.WorkerPool.Worker;
import io.lingen.cpu.internal.loop.FloatKernels;

/**
 * Linear attention in two passes over the tokens. The first sums the state R k' v^T and the divisor's k' of each head, the second applies
 * them to the queries. Both passes take chunks of tokens of a group of heads, whose columns are adjacent in memory: vectors are rotated to
 * a buffer, which a {@link MatrixKernel} multiplies, in BF16 if all tensors are BF16 and {@link MatrixKernel#gemmType} is too. Sums are
 * F32.
 *
 * <p>A range of tokens has its own state, and the states are summed in order, so results do not depend on the number of threads.
 */
public final class LinearAttentionKernel {
    private static final float EPSILON = 1e-15f;

    /** The number of tokens whose state one task sums. */
    private static final int RANGE = 2048;

    /** The number of tokens that are rotated and multiplied at a time. */
    private static final int CHUNK = 256;

    /** The largest width of a group of heads: its states and a chunk of its vectors fit the L2 cache. */
    private static final int GROUP_WIDTH = 512;

    private final WorkerPool pool;
    private final SizeClassAllocator memory;
    private final FloatKernels loops;
    private final MatrixKernel matrix;

    /**
     * Creates a kernel.
     *
     * @param pool the threads
     * @param memory the allocator of intermediate results
     * @param loops the inner loops
     * @param matrix the matrix products
     */
    public LinearAttentionKernel(WorkerPool pool, SizeClassAllocator memory, FloatKernels loops, MatrixKernel matrix) {
        this.pool = pool;
        this.memory = memory;
        this.loops = loops;
        this.matrix = matrix;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#linearAttention}.
     *
     * @param q rotation.grid().cells() queries
     * @param k rotation.grid().cells() keys
     * @param v rotation.grid().cells() values
     * @param rotation the grid of tokens, and the cosines and sines of its positions
     * @param out [rotation.grid().cells(), q.width()]
     */
    public void compute(Heads q, Heads k, Heads v, Rotation rotation, PooledTensor out) {
        int ranges = Math.toIntExact(Math.ceilDiv(q.tokens(), RANGE));
        DType dtype = matrix.gemmType(isBf16(q) && isBf16(k) && isBf16(v) ? DType.BF16 : DType.F32);
        long states = (long) q.heads() * q.headDim() * q.headDim();
        long rangeFloats = states + q.width();
        long roundedBytes = dtype == DType.F32 ? 0 : states * dtype.bytes();
        SizeClassAllocator.Block block = memory.allocate(ranges * rangeFloats * Float.BYTES + roundedBytes);
        try {
            Run run = new Run(
                    q,
                    k,
                    v,
                    new RotationAngles(loops, rotation),
                    dtype,
                    groupHeads(q),
                    block.address(),
                    rangeFloats * Float.BYTES,
                    dtype == DType.F32 ? block.address() : block.address() + ranges * rangeFloats * Float.BYTES,
                    out);
            int groups = q.heads() / run.groupHeads;
            pool.forEach(
                    Math.multiplyExact(ranges, groups),
                    (task, worker) -> sum(run, task / groups, task % groups, worker));
            pool.forEach(q.heads(), (head, worker) -> merge(run, ranges, head));
            int chunks = Math.toIntExact(Math.ceilDiv(q.tokens(), CHUNK));
            pool.forEach(
                    Math.multiplyExact(chunks, groups),
                    (task, worker) -> apply(run, (long) (task / groups) * CHUNK, task % groups, worker));
        } finally {
            memory.release(block);
        }
    }

    private static boolean isBf16(Heads heads) {
        return heads.matrix().dtype() == DType.BF16;
    }

    /** Returns the number of heads of a group: the largest divisor of the heads that fits the width. */
    private static int groupHeads(Heads q) {
        int best = 1;
        for (int heads = 2; heads * q.headDim() <= GROUP_WIDTH && heads <= q.heads(); heads++) {
            if (q.heads() % heads == 0) {
                best = heads;
            }
        }
        return best;
    }

    /**
     * The arguments and buffers of a call.
     *
     * @param dtype the type of the operands of matrix products
     * @param groupHeads the number of heads of a group
     * @param states the address of the states [heads, d, d] and totals [heads, d] of the first range
     * @param rangeBytes the distance of the states of the ranges in bytes
     * @param operands the address of the sums of all states in the type of the operands; of the first range's states if that is F32
     */
    private record Run(
            Heads q,
            Heads k,
            Heads v,
            RotationAngles angles,
            DType dtype,
            int groupHeads,
            long states,
            long rangeBytes,
            long operands,
            PooledTensor out) {
        int headDim() {
            return q.headDim();
        }

        int groupWidth() {
            return groupHeads * q.headDim();
        }

        /** Returns the number of elements of the state of a head. */
        int stateElements() {
            return q.headDim() * q.headDim();
        }

        /** Returns the state of a head of a range, [d, d]: the rows are those of the keys. */
        MatrixView state(int range, int head) {
            long address = states + range * rangeBytes + (long) head * stateElements() * Float.BYTES;
            return MatrixView.of(address, DType.F32, headDim(), headDim(), headDim());
        }

        /** Returns the sum of the states of a head as an operand. */
        MatrixView operand(int head) {
            long address = operands + (long) head * stateElements() * dtype.bytes();
            return MatrixView.of(address, dtype, headDim(), headDim(), headDim());
        }

        /** Returns the address of the sum of the keys of a head over a range, [d]. */
        long total(int range, int head) {
            return states
                    + range * rangeBytes
                    + ((long) q.heads() * stateElements() + (long) head * headDim()) * Float.BYTES;
        }
    }

    /** Sums the states and keys of a group of heads over a range of tokens. */
    private void sum(Run run, int range, int group, Worker worker) {
        int d = run.headDim();
        int width = run.groupWidth();
        int firstHead = group * run.groupHeads;
        long total = run.total(range, firstHead);
        long end = Math.min(run.k.tokens(), (range + 1L) * RANGE);
        PooledTensor values = PooledTensor.of(run.v.matrix());
        long column = (run.v.column() + (long) firstHead * d) * values.dtype().bytes();
        Vectors keys = new Vectors(run, run.k, firstHead, worker);
        loops.fill(0, total, width);
        for (long first = (long) range * RANGE; first < end; first += CHUNK) {
            int tokens = (int) Math.min(CHUNK, end - first);
            for (int i = 0; i < tokens; i++) {
                long positive = keys.load(first + i);
                loops.add(total, positive, total, width);
                keys.rotate(first + i, i);
            }
            for (int i = 0; i < run.groupHeads; i++) {
                MatrixView ofHead = MatrixView.of(
                        values.rowAddress(first)
                                + column
                                + (long) i * d * values.dtype().bytes(),
                        values.dtype(),
                        tokens,
                        d,
                        values.shape().last());
                boolean accumulate = first > (long) range * RANGE;
                matrix.multiply(
                        keys.rotated(tokens, i).transpose(),
                        ofHead,
                        run.state(range, firstHead + i),
                        accumulate,
                        worker);
            }
        }
    }

    /** Adds the states and keys of all ranges of a head to the first, and converts the state to an operand. */
    private void merge(Run run, int ranges, int head) {
        long state = run.state(0, head).address();
        for (int range = 1; range < ranges; range++) {
            loops.add(state, run.state(range, head).address(), state, run.stateElements());
            loops.add(run.total(0, head), run.total(range, head), run.total(0, head), run.headDim());
        }
        if (run.dtype != DType.F32) {
            loops.store(state, run.operand(head).address(), run.dtype, run.stateElements());
        }
    }

    /** Computes the outputs of a group of heads for a chunk of tokens. */
    private void apply(Run run, long first, int group, Worker worker) {
        int d = run.headDim();
        int width = run.groupWidth();
        int firstHead = group * run.groupHeads;
        int tokens = (int) Math.min(CHUNK, run.q.tokens() - first);
        long total = run.total(0, firstHead);
        float[] factors = new float[tokens * run.groupHeads];
        Vectors queries = new Vectors(run, run.q, firstHead, worker);
        for (int i = 0; i < tokens; i++) {
            long positive = queries.load(first + i);
            for (int j = 0; j < run.groupHeads; j++) {
                long ofHead = (long) j * d * Float.BYTES;
                float divisor = loops.dotProduct(total + ofHead, positive + ofHead, d);
                factors[i * run.groupHeads + j] = 1 / (divisor + EPSILON);
            }
            queries.rotate(first + i, i);
        }
        long sums = worker.scratch().floats((long) tokens * width);
        for (int j = 0; j < run.groupHeads; j++) {
            MatrixView ofHead = MatrixView.of(sums + (long) j * d * Float.BYTES, DType.F32, tokens, d, width);
            matrix.multiply(queries.rotated(tokens, j), run.operand(firstHead + j), ofHead, false, worker);
        }
        DType dtype = run.out.dtype();
        for (int i = 0; i < tokens; i++) {
            long row = sums + (long) i * width * Float.BYTES;
            for (int j = 0; j < run.groupHeads; j++) {
                long ofHead = row + (long) j * d * Float.BYTES;
                loops.scale(factors[i * run.groupHeads + j], ofHead, ofHead, d);
            }
            loops.store(row, run.out.rowAddress(first + i) + (long) firstHead * d * dtype.bytes(), dtype, width);
        }
    }

    /** The vectors of a group of heads for a chunk of tokens: ReLU of a token at a time, and all of them rotated. */
    private final class Vectors {
        private final Run run;
        private final PooledTensor source;
        private final long column;
        private final int width;
        private final long angles;
        private final long positive;
        private final long rotated;

        Vectors(Run run, Heads heads, int firstHead, Worker worker) {
            this.run = run;
            source = PooledTensor.of(heads.matrix());
            column = (heads.column() + (long) firstHead * run.headDim())
                    * source.dtype().bytes();
            width = run.groupWidth();
            angles = worker.scratch().floats(run.headDim());
            positive = worker.scratch().floats(width);
            rotated = worker.scratch().bytes((long) CHUNK * width * run.dtype.bytes());
        }

        /** Returns the address of ReLU of a token's vectors, [width] in F32, valid until the token is rotated. */
        long load(long token) {
            loops.load(source.rowAddress(token) + column, source.dtype(), positive, width);
            loops.relu(positive, positive, width);
            return positive;
        }

        /** Rotates the loaded vectors to row {@code i} of the chunk. */
        void rotate(long token, int i) {
            run.angles.gather(token, angles);
            long row = rotated + (long) i * width * run.dtype.bytes();
            long target = run.dtype == DType.F32 ? row : positive;
            int d = run.headDim();
            for (int head = 0; head < run.groupHeads; head++) {
                long ofHead = (long) head * d * Float.BYTES;
                loops.rotate(positive + ofHead, angles, target + ofHead, d);
            }
            if (run.dtype != DType.F32) {
                loops.store(positive, row, run.dtype, width);
            }
        }

        /** Returns the rotated vectors of a head of the group, [tokens, d]. */
        MatrixView rotated(int tokens, int head) {
            int d = run.headDim();
            return MatrixView.of(rotated + (long) head * d * run.dtype.bytes(), run.dtype, tokens, d, width);
        }
    }
}
