package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.op.Epilogue;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.loop.FloatKernels;
import java.util.Objects;

/** What a linear layer does with its sums before it stores them. */
public final class EpilogueKernel {
    private final FloatKernels loops;

    public EpilogueKernel(FloatKernels loops) {
        this.loops = loops;
    }

    /**
     * Applies an epilogue to a piece of a row and stores it.
     *
     * @param sums F32 elements with the bias in them, overwritten
     * @param column the piece's first column of {@code out}
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
