package io.lingen.cuda.internal.op;

import io.lingen.core.Tensor;
import io.lingen.core.op.Heads;
import io.lingen.cuda.internal.CudaTensor;

/** Addresses of bands of columns. */
final class Bands {
    private Bands() {}

    /** Where a band of heads begins. */
    static long address(Heads heads) {
        return address(heads.matrix(), heads.column());
    }

    /** Where a column begins. */
    static long address(Tensor matrix, long column) {
        return CudaTensor.addressOf(matrix) + column * matrix.dtype().bytes();
    }
}
