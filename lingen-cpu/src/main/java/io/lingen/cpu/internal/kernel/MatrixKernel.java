package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.cpu.internal.WorkerPool.Worker;

/** Matrix products on the calling thread, for attention and chunked scans. Implementations are thread-safe. */
public interface MatrixKernel {
    /**
     * {@return the fastest type for operands of a type: F32 where BF16 products are not faster}
     *
     * @param dtype the type of the operands, F32 or BF16
     */
    DType gemmType(DType dtype);

    /**
     * Computes C = A B or C += A B. Elements are F32 or BF16 in any mixture. Sums are F32; a BF16 C is rounded once at the end.
     *
     * @param a [m, k]
     * @param b [k, n]
     * @param c [m, n], not transposed; must not overlap A or B
     * @param accumulate whether the product is added to C or overwrites it
     * @param worker the calling thread's worker, whose scratch memory is restored
     */
    void multiply(MatrixView a, MatrixView b, MatrixView c, boolean accumulate, Worker worker);
}
