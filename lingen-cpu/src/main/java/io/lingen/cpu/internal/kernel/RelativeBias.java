package io.lingen.cpu.internal.kernel;

import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.cpu.internal.RawMemory;

/**
 * The bias of one head by the relative position of query and key (Liu et al., "Swin Transformer", 2021). The index on each axis is q - k +
 * w - 1, where w is the length of a window.
 *
 * @param table the address of [heads, (2wt-1)(2wh-1)(2ww-1)] in F32
 * @param size the lengths of a window
 * @param head the index of the head
 */
public record RelativeBias(long table, Dims3 size, int head) {
    /**
     * Writes the bias of one query for every key of its window.
     *
     * @param grid the grid of tokens
     * @param rows the rows of the window's tokens
     * @param query the index of the query in {@code rows}
     * @param target the address of the result, [rows.length] in F32
     */
    public void row(Grid grid, long[] rows, int query, long target) {
        int widthH = 2 * size.h() - 1;
        int widthW = 2 * size.w() - 1;
        long base = (long) head * (2L * size.t() - 1) * widthH * widthW;
        for (int key = 0; key < rows.length; key++) {
            long t = axis(grid, 0, rows[query]) - axis(grid, 0, rows[key]) + size.t() - 1;
            long h = axis(grid, 1, rows[query]) - axis(grid, 1, rows[key]) + size.h() - 1;
            long w = axis(grid, 2, rows[query]) - axis(grid, 2, rows[key]) + size.w() - 1;
            long entry = base + (t * widthH + h) * widthW + w;
            RawMemory.setFloat(target + (long) key * Float.BYTES, RawMemory.getFloat(table + entry * Float.BYTES));
        }
    }

    private static long axis(Grid grid, int axis, long row) {
        return row / grid.stride(axis) % grid.length(axis);
    }
}
