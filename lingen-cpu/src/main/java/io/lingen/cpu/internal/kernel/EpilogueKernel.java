package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.op.Epilogue;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.loop.FloatKernels;
import java.util.Objects;

/** The epilogue of a linear layer. */
public final class EpilogueKernel {
    private final FloatKernels loops;

    /**
     * Creates a kernel.
     *
     * @param loops the inner loops
     */
    public EpilogueKernel(FloatKernels loops) {
        this.loops = loops;
    }

    /**
     * Applies an epilogue to a part of a row and stores the result.
     *
     * @param sums x W^T + bias, [n] in F32; overwritten
     * @param n the number of elements
     * @param epilogue the function
     * @param column the first column of the part in {@code out}
     * @param out the output
     * @param row the row of the part in {@code out}
     * @param scratch memory for intermediate results
     */
    public void store(long sums, int n, Epilogue epilogue, int column, PooledTensor out, long row, Scratch scratch) {
        long target = out.rowAddress(row) + (long) column * out.dtype().bytes();
        switch (epilogue.kind()) {
            case NONE:
                loops.store(sums, target, out.dtype(), n);
                break;
            case GELU:
                loops.gelu(sums, sums, n);
                loops.store(sums, target, out.dtype(), n);
                break;
            case SILU:
                loops.silu(sums, sums, n);
                loops.store(sums, target, out.dtype(), n);
                break;
            case ADD:
            case GATED_ADD:
                add(sums, n, epilogue, column, target, out.dtype(), scratch);
                break;
            default:
                throw new IllegalArgumentException("unknown epilogue " + epilogue.kind());
        }
    }

    private void add(long sums, int n, Epilogue epilogue, int column, long target, DType dtype, Scratch scratch) {
        long mark = scratch.mark();
        long residual = target;
        if (dtype != DType.F32) {
            residual = scratch.floats(n);
            loops.load(target, dtype, residual, n);
        }
        if (epilogue.kind() == Epilogue.Kind.ADD) {
            loops.add(residual, sums, residual, n);
        } else {
            long gate = PooledTensor.addressOf(Objects.requireNonNull(epilogue.gate()));
            loops.addProduct(gate + (long) column * Float.BYTES, sums, residual, n);
        }
        if (dtype != DType.F32) {
            loops.store(residual, target, dtype, n);
        }
        scratch.release(mark);
    }
}
