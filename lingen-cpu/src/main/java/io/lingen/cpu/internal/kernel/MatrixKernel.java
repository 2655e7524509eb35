package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.cpu.internal.WorkerPool.Worker;

/** Products of matrices on the calling thread: what attention, convolutions and chunked scans are built on. Thread-safe. */
public interface MatrixKernel {
    /** The type to which operands of a type are best converted before: F32 where BF16 products are not faster. */
    DType productType(DType dtype);

    /**
     * C = A B, or C += A B when {@code accumulate}. Elements may be F32 or BF16 in any mixture; sums are F32, and a BF16 C is rounded
     * once at the end. C is stored row by row and overlaps neither A nor B.
     *
     * @param a [m, k]
     * @param b [k, n]
     * @param c [m, n], not transposed
     * @param worker the calling thread\'s place; its scratch memory is as before afterwards
     */
    void multiply(MatrixView a, MatrixView b, MatrixView c, boolean accumulate, Worker worker);
}
