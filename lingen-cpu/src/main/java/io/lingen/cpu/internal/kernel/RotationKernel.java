package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.op.Heads;
import io.lingen.core.op.Rotation;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.loop.FloatKernels;

/** Rotary position embedding. The angles of a token are gathered once for all of its heads. */
public final class RotationKernel {
    private static final int TOKENS_PER_TASK = 16;

    private final WorkerPool pool;
    private final FloatKernels loops;

    /**
     * Creates a kernel.
     *
     * @param pool the threads
     * @param loops the inner loops
     */
    public RotationKernel(WorkerPool pool, FloatKernels loops) {
        this.pool = pool;
        this.loops = loops;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#rotate}.
     *
     * @param heads the vectors, updated in place
     * @param rotation the grid of tokens, and the cosines and sines of its positions
     */
    public void compute(Heads heads, Rotation rotation) {
        PooledTensor matrix = PooledTensor.of(heads.matrix());
        DType dtype = matrix.dtype();
        int width = heads.headDim();
        int band = Math.toIntExact(heads.width());
        RotationAngles anglesOf = new RotationAngles(loops, rotation);
        pool.forRanges(heads.tokens(), TOKENS_PER_TASK, (from, to, worker) -> {
            long angles = worker.scratch().floats(width);
            long buffer = worker.scratch().floats(band);
            for (long token = from; token < to; token++) {
                anglesOf.gather(token, angles);
                long address = matrix.rowAddress(token) + heads.column() * dtype.bytes();
                long values = dtype == DType.F32 ? address : buffer;
                if (dtype == DType.BF16) {
                    loops.widen(address, buffer, band);
                }
                for (int head = 0; head < heads.heads(); head++) {
                    long vector = values + (long) head * width * Float.BYTES;
                    loops.rotate(vector, angles, vector, width);
                }
                if (dtype == DType.BF16) {
                    loops.narrow(buffer, address, band);
                }
            }
        });
    }
}
