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

    /** Returns whether heads are BF16 and their rows can be copied in units of 16 bytes. */
    static boolean areDirect(Heads heads) {
        return PooledTensor.isBf16(heads.matrix())
                && heads.headDim() % 8 == 0
                && heads.matrix().shape().last() % 8 == 0
                && of(heads) % 16 == 0;
    }
}
