package io.lingen.cuda.internal.op;

import io.lingen.core.op.Heads;
import io.lingen.core.spi.pool.PooledTensor;

/** The device addresses of attention heads. */
final class HeadAddresses {
    private HeadAddresses() {}

    /** Returns the address of the first column of heads in the first row of their matrix. */
    static long of(Heads heads) {
        return PooledTensor.addressOf(heads.matrix())
                + heads.column() * heads.matrix().dtype().bytes();
    }
}
