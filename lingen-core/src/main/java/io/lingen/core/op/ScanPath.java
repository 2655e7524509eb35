package io.lingen.core.op;

import org.jspecify.annotations.Nullable;

/**
 * The sequence of rows that a scan visits in a matrix [prefix + grid, columns]. It starts with the rows of the prefix (review tokens),
 * followed by those of the grid in the same axis order.
 *
 * <p>A backward scan visits the rows of the grid from the last to the first and omits the prefix. In that direction review tokens would
 * come last, where they cannot affect any kept output (specification, section 3).
 *
 * @param grid the arrangement of the tokens; cell i is row {@code prefixCells() + i} of the matrix
 * @param prefix the arrangement of the review tokens in front, or null for none
 * @param order the axis order
 * @param backward whether the sequence is reversed
 */
public record ScanPath(Grid grid, @Nullable Grid prefix, ScanOrder order, boolean backward) {
    /** {@return the number of rows in front of those of the grid} */
    public long prefixCells() {
        return prefix == null ? 0 : prefix.cells();
    }

    /** {@return the number of rows of the matrix} */
    public long rows() {
        return prefixCells() + grid.cells();
    }

    /** {@return the number of steps; a backward scan omits the prefix} */
    public long steps() {
        return backward ? grid.cells() : rows();
    }

    /** {@return the number of leading steps without an output: those of the prefix in the forward direction} */
    public long warmUpSteps() {
        return backward ? 0 : prefixCells();
    }

    /**
     * {@return the row of the matrix that a step reads}
     *
     * @param step from 0 to {@code steps()}, exclusive
     */
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
