package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.loop.FloatKernels;

/** Access to rows of tensors as F32: in place if the tensor is F32, otherwise converted through a buffer. */
final class Rows {
    private Rows() {}

    /** Returns the address of a row in F32: the row itself, or {@code buffer} after conversion. */
    static long read(FloatKernels loops, PooledTensor tensor, long row, long buffer) {
        if (tensor.dtype() == DType.F32) {
            return tensor.rowAddress(row);
        }
        loops.widen(tensor.rowAddress(row), buffer, (int) tensor.shape().last());
        return buffer;
    }

    /** Returns the address at which to compute a row in F32: the row itself, or {@code buffer}. */
    static long target(PooledTensor tensor, long row, long buffer) {
        return tensor.dtype() == DType.F32 ? tensor.rowAddress(row) : buffer;
    }

    /** Stores a row that was computed at {@link #target}. */
    static void write(FloatKernels loops, long values, PooledTensor tensor, long row) {
        if (tensor.dtype() == DType.BF16) {
            loops.narrow(values, tensor.rowAddress(row), (int) tensor.shape().last());
        }
    }

    /** Computes target = values or target += values. May overwrite {@code values}. */
    static void store(
            FloatKernels loops, long values, long target, DType dtype, int n, boolean accumulate, Scratch scratch) {
        if (!accumulate) {
            loops.store(values, target, dtype, n);
        } else if (dtype == DType.F32) {
            loops.add(target, values, target, n);
        } else {
            long mark = scratch.mark();
            long present = scratch.floats(n);
            loops.load(target, dtype, present, n);
            loops.add(present, values, values, n);
            loops.store(values, target, dtype, n);
            scratch.release(mark);
        }
    }
}
