package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.loop.FloatKernels;

/**
 * The online softmax of a tile of queries over successive tiles of keys (Milakov and Gimelshein, "Online normalizer calculation for
 * softmax", 2018). It holds the running maximum and sum of each row. When the maximum grows, the previous sums are scaled down.
 */
final class RunningSoftmax {
    private final FloatKernels loops;
    private final int width;
    private final float scale;
    private final MatrixView sums;
    private final float[] largest;
    private final float[] total;
    private boolean hasTile;

    /**
     * Creates a softmax before the first tile.
     *
     * @param rows the number of queries
     * @param width the head dimension; scores are divided by its square root
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
     * Converts a tile of scores to weights, and scales the previous sums to the new maximum.
     *
     * @param scores q k^T, [rows, keys] in F32
     * @param weights [rows, keys], F32 or BF16; may be {@code scores}
     */
    void update(MatrixView scores, MatrixView weights) {
        int keys = scores.columns();
        for (int row = 0; row < scores.rows(); row++) {
            long address = scores.at(row, 0);
            float max = loops.max(address, keys) * scale;
            if (hasTile && max <= largest[row]) {
                max = largest[row];
            } else if (hasTile) {
                float factor = (float) Math.exp(largest[row] - max);
                total[row] *= factor;
                loops.scale(factor, sums.at(row, 0), sums.at(row, 0), width);
            }
            largest[row] = max;
            total[row] += loops.expSum(address, scale, max, weights.at(row, 0), weights.dtype(), keys);
        }
    }

    /** Returns the weighted sums of the values, [rows, width] in F32. The caller adds weights times values. */
    MatrixView sums() {
        return sums;
    }

    /** Returns whether weights times values is added to {@link #sums} or overwrites it: false for the first tile. */
    boolean accumulates() {
        boolean before = hasTile;
        hasTile = true;
        return before;
    }

    /** Divides a row of sums by its total, and returns its address. */
    long result(int row) {
        long address = sums.at(row, 0);
        loops.scale(1 / total[row], address, address, width);
        return address;
    }
}
