package io.lingen.cpu.internal.kernel;

import io.lingen.core.op.Grid;
import io.lingen.core.op.Rotation;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.loop.FloatKernels;

/** The cosines and sines of the tokens of a grid. */
final class RotationAngles {
    private final FloatKernels loops;
    private final Grid grid;
    private final PooledTensor tableT;
    private final PooledTensor tableH;
    private final PooledTensor tableW;
    private final int bandT;
    private final int bandH;
    private final int bandW;

    RotationAngles(FloatKernels loops, Rotation rotation) {
        this.loops = loops;
        grid = rotation.grid();
        tableT = PooledTensor.of(rotation.tableT());
        tableH = PooledTensor.of(rotation.tableH());
        tableW = PooledTensor.of(rotation.tableW());
        bandT = (int) tableT.shape().last();
        bandH = (int) tableH.shape().last();
        bandW = (int) tableW.shape().last();
    }

    /** Copies the cosines and sines of a token to {@code target}, [head dimension]. */
    void gather(long token, long target) {
        long line = token / grid.w();
        long targetH = target + (long) bandT * Float.BYTES;
        long targetW = targetH + (long) bandH * Float.BYTES;
        loops.copy(tableT.rowAddress(line / grid.h()), target, bandT);
        loops.copy(tableH.rowAddress(line % grid.h()), targetH, bandH);
        loops.copy(tableW.rowAddress(token - line * grid.w()), targetW, bandW);
    }
}
