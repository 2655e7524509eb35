package io.lingen.mate;

import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;

/**
 * Shifted window attention as Swin (Liu et al., 2021) defines it: roll the grid cyclically by half a window, cut it into equal windows,
 * and mask the pairs that were not neighbors before the roll. In double precision, by plain loops; grids are multiples of the window.
 */
final class CyclicSwin {
    private CyclicSwin() {}

    /** Computes [cells, heads * headDim] from queries, keys and values [cells, 3 * heads * headDim]. */
    static float[] attention(float[] qkv, Grid grid, Dims3 window, int heads, int headDim) {
        int cells = (int) grid.cells();
        int width = heads * headDim;
        float[] out = new float[cells * width];
        for (int q = 0; q < cells; q++) {
            for (int head = 0; head < heads; head++) {
                double[] sum = new double[headDim];
                double total = 0;
                for (int k = 0; k < cells; k++) {
                    if (!together(q, k, grid, window)) {
                        continue;
                    }
                    double score = 0;
                    for (int c = 0; c < headDim; c++) {
                        score += (double) qkv[q * 3 * width + head * headDim + c]
                                * qkv[k * 3 * width + width + head * headDim + c];
                    }
                    double weight = Math.exp(score / Math.sqrt(headDim));
                    total += weight;
                    for (int c = 0; c < headDim; c++) {
                        sum[c] += weight * qkv[k * 3 * width + 2 * width + head * headDim + c];
                    }
                }
                for (int c = 0; c < headDim; c++) {
                    out[q * width + head * headDim + c] = (float) (sum[c] / total);
                }
            }
        }
        return out;
    }

    /** Returns whether two cells share a window of the rolled grid and a region of Swin's mask, on every axis. */
    private static boolean together(int a, int b, Grid grid, Dims3 window) {
        for (int axis = 0; axis < 3; axis++) {
            int n = grid.length(axis);
            int w = window.length(axis);
            int shift = w / 2;
            int x = rolled(a, grid, axis, shift);
            int y = rolled(b, grid, axis, shift);
            if (x / w != y / w || region(x, n, w, shift) != region(y, n, w, shift)) {
                return false;
            }
        }
        return true;
    }

    private static int rolled(int cell, Grid grid, int axis, int shift) {
        int n = grid.length(axis);
        int position = (int) (cell / grid.stride(axis) % n);
        return Math.floorMod(position - shift, n);
    }

    /** Returns Swin's region: 0 before the last window, 1 in its part before the seam, 2 in its part after the seam. */
    private static int region(int position, int n, int w, int shift) {
        return position < n - w ? 0 : position < n - shift ? 1 : 2;
    }
}
