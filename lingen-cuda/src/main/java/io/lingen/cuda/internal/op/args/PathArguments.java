package io.lingen.cuda.internal.op.args;

import io.lingen.core.op.Grid;
import io.lingen.core.op.ScanOrder;
import io.lingen.core.op.ScanPath;
import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The path of a scan over the rows of a matrix: struct Path in path.cuh.
 *
 * @param grid the order of the grid
 * @param prefix the order of the prefix
 * @param cells the number of cells of the grid
 * @param prefixCells the number of cells of the prefix
 * @param backward whether the sequence is reversed
 */
public record PathArguments(Order grid, Order prefix, int cells, int prefixCells, boolean backward)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(grid).put(prefix).put(cells, prefixCells).put(backward);
    }

    /**
     * The order of axes over a grid: struct Order.
     *
     * @param fast the length of the fastest axis
     * @param middle the length of the middle axis
     * @param fastStride the distance in rows along the fastest axis
     * @param middleStride the distance in rows along the middle axis
     * @param slowStride the distance in rows along the slowest axis
     * @param zigzag whether every second line and plane is walked backwards
     */
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
     * {@return the path of a scan as an argument}
     *
     * @param path the path
     * @throws IllegalArgumentException if it has 2^31 rows or more
     */
    public static PathArguments of(ScanPath path) {
        if (path.rows() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("rows of a scan must be fewer than 2^31, found " + path.rows());
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
