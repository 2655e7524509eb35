package io.lingen.cuda.internal.op;

import io.lingen.core.op.Grid;
import io.lingen.core.op.ScanOrder;
import io.lingen.core.op.ScanPath;
import io.lingen.cuda.internal.driver.Arguments;

/** A scan's path as the kernels take it. */
final class Paths {
    private Paths() {}

    /**
     * Appends the struct Path of path.cuh.
     *
     * @throws IllegalArgumentException if the path has 2^31 rows or more
     */
    static void put(ScanPath path, Arguments arguments) {
        if (path.rows() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("a scan visits fewer than 2^31 rows, found " + path.rows());
        }
        Grid prefix = path.prefix();
        put(path.grid(), path.order(), arguments);
        put(prefix == null ? new Grid(1, 1, 1) : prefix, path.order(), arguments);
        arguments.put((int) path.grid().cells(), (int) path.prefixCells()).put(path.backward());
    }

    private static void put(Grid grid, ScanOrder order, Arguments arguments) {
        arguments
                .put(grid.length(order.fast()), grid.length(order.middle()))
                .put((int) grid.stride(order.fast()), (int) grid.stride(order.middle()))
                .put((int) grid.stride(order.slow()))
                .put(order.zigzag());
    }
}
