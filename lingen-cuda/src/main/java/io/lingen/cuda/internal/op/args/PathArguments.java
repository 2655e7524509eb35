package io.lingen.cuda.internal.op.args;

import io.lingen.core.op.Grid;
import io.lingen.core.op.ScanOrder;
import io.lingen.core.op.ScanPath;
import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** A scan's path over the rows of a matrix, an argument of the scans: the struct Path of path.cuh. */
public record PathArguments(Order grid, Order prefix, int cells, int prefixCells, boolean backward)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(grid).put(prefix).put(cells, prefixCells).put(backward);
    }

    /** An axis order over one grid: the struct Order. */
    public record Order(int fast, int middle, int fastStride, int middleStride, int slowStride, boolean zigzag)
            implements KernelArguments {
        @Override
        public void layOut(StructWriter struct) {
            struct.put(fast, middle, fastStride, middleStride, slowStride).put(zigzag);
        }

        static Order of(Grid grid, ScanOrder order) {
            return new Order(
                    grid.length(order.fast()),
                    grid.length(order.middle()),
                    (int) grid.stride(order.fast()),
                    (int) grid.stride(order.middle()),
                    (int) grid.stride(order.slow()),
                    order.zigzag());
        }
    }

    /**
     * Returns a scan's path as the kernels take it.
     *
     * @throws IllegalArgumentException if the path has 2^31 rows or more
     */
    public static PathArguments of(ScanPath path) {
        if (path.rows() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("a scan visits fewer than 2^31 rows, found " + path.rows());
        }
        Grid prefix = path.prefix();
        return new PathArguments(
                Order.of(path.grid(), path.order()),
                Order.of(prefix == null ? new Grid(1, 1, 1) : prefix, path.order()),
                (int) path.grid().cells(),
                (int) path.prefixCells(),
                path.backward());
    }
}
