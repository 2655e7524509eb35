package io.lingen.core.op;

import org.jspecify.annotations.Nullable;

/**
 * The sequence that a scan walks over the rows of a matrix [prefix + grid, columns]: first the rows of the prefix (review tokens), then
 * those of the grid, both in the same axis order. A backward scan walks the grid's rows from the last to the first and never sees the
 * prefix: review tokens come last in that direction and can't influence any kept output (specification, section 3).
 *
 * @param grid the arrangement of the tokens; row {@code prefixCells() + i} of the matrix is cell i
 * @param prefix the arrangement of the review tokens in front, or null
 * @param order the axis order
 * @param backward whether the walk is reversed
 */
public record ScanPath(Grid grid, @Nullable Grid prefix, ScanOrder order, boolean backward) {
    /** The number of rows in front of the grid's. */
    public long prefixCells() {
        return prefix == null ? 0 : prefix.cells();
    }

    /** The number of rows of the matrix. */
    public long rows() {
        return prefixCells() + grid.cells();
    }

    /** The number of steps of the walk: the backward one leaves the prefix out. */
    public long steps() {
        return backward ? grid.cells() : rows();
    }

    /** The number of leading steps that give no output: the prefix's, in the forward direction. */
    public long warmUpSteps() {
        return backward ? 0 : prefixCells();
    }

    /** The row of the matrix that is read at a step, 0 &lt;= step &lt; steps(). */
    public long row(long step) {
        if (backward) {
            return prefixCells() + order.row(grid, grid.cells() - 1 - step);
        }
        long head = prefixCells();
        if (prefix != null && step < head) {
            return order.row(prefix, step);
        }
        return head + order.row(grid, step - head);
    }
}
