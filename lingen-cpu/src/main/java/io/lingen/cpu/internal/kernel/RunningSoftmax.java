package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.loop.FloatKernels;

/**
 * The softmax of a tile of queries over tiles of keys that come one after the other (Milakov and Gimelshein, "Online normalizer calculation
 * for softmax", 2018): each row's largest score and sum so far; what was summed under a smaller maximum is scaled down.
 */
final class RunningSoftmax {
    private final FloatKernels loops;
    private final int width;
    private final float scale;
    private final MatrixView sums;
    private final float[] largest;
    private final float[] total;
    private boolean begun;

    /**
     * @param rows the number of queries
     * @param width the heads' width; scores are divided by its root
     */
    RunningSoftmax(FloatKernels loops, int rows, int width, Scratch scratch) {
        this.loops = loops;
        this.width = width;
        this.scale = (float) (1 / Math.sqrt(width));
        this.sums = MatrixView.of(scratch.floats((long) rows * width), DType.F32, rows, width, width);
        this.largest = new float[rows];
        this.total = new float[rows];
    }

    /**
     * Turns a tile of scores into weights, and fits the sums so far to them.
     *
     * @param scores q k^T, [rows, keys] in F32
     * @param weights [rows, keys], F32 or BF16; may be {@code scores}
     */
    void weigh(MatrixView scores, MatrixView weights) {
        int keys = scores.columns();
        for (int row = 0; row < scores.rows(); row++) {
            long address = scores.at(row, 0);
            float max = loops.max(address, keys) * scale;
            if (begun && max <= largest[row]) {
                max = largest[row];
            } else if (begun) {
                float factor = (float) Math.exp(largest[row] - max);
                total[row] *= factor;
                loops.scale(factor, sums.at(row, 0), sums.at(row, 0), width);
            }
            largest[row] = max;
            total[row] += loops.expSum(address, scale, max, weights.at(row, 0), weights.dtype(), keys);
        }
    }

    /** The weighted sums of the values, [rows, width] in F32: the caller adds weights times values. */
    MatrixView sums() {
        return sums;
    }

    /** Whether that product is added to {@link #sums} or overwrites it: false once, for the first tile. */
    boolean accumulates() {
        boolean before = begun;
        begun = true;
        return before;
    }

    /** The address of a finished row, divided by its total. */
    long result(int row) {
        long address = sums.at(row, 0);
        loops.scale(1 / total[row], address, address, width);
        return address;
    }
}
