package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.internal.PhiloxNormal;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.RawMemory;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.loop.FloatKernels;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Elementwise operations, in pieces that stay in the cache during conversion. */
public final class ElementwiseKernel {
    private static final int PIECE = 2048;
    private static final int PIECES_PER_TASK = 8;

    private final WorkerPool pool;
    private final FloatKernels loops;

    /**
     * Creates a kernel.
     *
     * @param pool the threads
     * @param loops the inner loops
     */
    public ElementwiseKernel(WorkerPool pool, FloatKernels loops) {
        this.pool = pool;
        this.loops = loops;
    }

    /** The computation of at most {@link #PIECE} elements. */
    @FunctionalInterface
    private interface Piece {
        void compute(long first, int n, Scratch scratch);
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#copy}.
     *
     * @param x any shape
     * @param out the copy
     */
    public void copy(PooledTensor x, PooledTensor out) {
        forPieces(x.shape().elements(), (first, n, scratch) -> {
            if (x.dtype() == DType.BF16 && out.dtype() == DType.BF16) {
                RawMemory.copy(address(x, first), address(out, first), (long) n * Short.BYTES);
            } else {
                loops.store(read(x, first, n, scratch), address(out, first), out.dtype(), n);
            }
        });
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#add}.
     *
     * @param a any shape
     * @param b the second term
     * @param out the sum
     */
    public void add(PooledTensor a, PooledTensor b, PooledTensor out) {
        forPieces(out.shape().elements(), (first, n, scratch) -> {
            long target = target(out, first, n, scratch);
            loops.add(read(a, first, n, scratch), read(b, first, n, scratch), target, n);
            write(target, out, first, n);
        });
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#multiply}.
     *
     * @param a any shape
     * @param b the second factor
     * @param out the product
     */
    public void multiply(PooledTensor a, PooledTensor b, PooledTensor out) {
        forPieces(out.shape().elements(), (first, n, scratch) -> {
            long target = target(out, first, n, scratch);
            loops.multiply(1, read(a, first, n, scratch), read(b, first, n, scratch), target, n);
            write(target, out, first, n);
        });
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#addScaled}.
     *
     * @param alpha the factor
     * @param x any shape
     * @param y the sum, updated in place
     */
    public void addScaled(float alpha, PooledTensor x, PooledTensor y) {
        forPieces(y.shape().elements(), (first, n, scratch) -> {
            long target = read(y, first, n, scratch);
            loops.addScaled(alpha, read(x, first, n, scratch), target, n);
            write(target, y, first, n);
        });
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#interpolate}.
     *
     * @param a any shape
     * @param b the other end
     * @param s the position between a and b
     * @param out the result
     */
    public void interpolate(PooledTensor a, PooledTensor b, float s, PooledTensor out) {
        forPieces(out.shape().elements(), (first, n, scratch) -> {
            long target = target(out, first, n, scratch);
            loops.interpolate(read(a, first, n, scratch), read(b, first, n, scratch), s, target, n);
            write(target, out, first, n);
        });
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#normal}.
     *
     * @param seed the key of the generator
     * @param out the noise
     */
    public void normal(long seed, PooledTensor out) {
        forPieces(out.shape().elements(), (first, n, scratch) -> {
            float[] noise = new float[n];
            PhiloxNormal.fill(seed, first, noise, 0, n);
            long target = target(out, first, n, scratch);
            MemorySegment.copy(noise, 0, RawMemory.ALL, ValueLayout.JAVA_FLOAT_UNALIGNED, target, n);
            write(target, out, first, n);
        });
    }

    private void forPieces(long elements, Piece piece) {
        long pieces = Math.ceilDiv(elements, PIECE);
        pool.forRanges(pieces, PIECES_PER_TASK, (from, to, worker) -> {
            Scratch scratch = worker.scratch();
            long mark = scratch.mark();
            for (long i = from; i < to; i++) {
                long first = i * PIECE;
                piece.compute(first, (int) Math.min(PIECE, elements - first), scratch);
                scratch.release(mark);
            }
        });
    }

    private static long address(PooledTensor tensor, long first) {
        return tensor.address() + first * tensor.dtype().bytes();
    }

    private long read(PooledTensor tensor, long first, int n, Scratch scratch) {
        if (tensor.dtype() == DType.F32) {
            return address(tensor, first);
        }
        long buffer = scratch.floats(n);
        loops.widen(address(tensor, first), buffer, n);
        return buffer;
    }

    private static long target(PooledTensor tensor, long first, int n, Scratch scratch) {
        return tensor.dtype() == DType.F32 ? address(tensor, first) : scratch.floats(n);
    }

    private void write(long values, PooledTensor tensor, long first, int n) {
        if (tensor.dtype() == DType.BF16) {
            loops.narrow(values, address(tensor, first), n);
        }
    }
}
