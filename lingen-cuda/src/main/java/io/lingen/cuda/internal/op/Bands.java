package io.lingen.cuda.internal.op;

import io.lingen.core.Tensor;
import io.lingen.core.op.Heads;
import io.lingen.core.spi.pool.PooledTensor;

/** Addresses of bands of columns. */
final class Bands {
    private Bands() {}

    /** Where a band of heads begins. */
    static long address(Heads heads) {
        return address(heads.matrix(), heads.column());
    }

    /** Where a column begins. */
    static long address(Tensor matrix, long column) {
        return PooledTensor.addressOf(matrix) + column * matrix.dtype().bytes();
    }
}
