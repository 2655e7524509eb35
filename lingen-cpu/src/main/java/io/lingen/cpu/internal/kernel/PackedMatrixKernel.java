package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.WorkerPool.Worker;
import io.lingen.cpu.internal.loop.FloatKernels;

/**
 * Blocked matrix products in Java (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008). Blocks of B are
 * packed into panels, which a tile reads sequentially. A is read in place.
 */
public final class PackedMatrixKernel implements MatrixKernel {
    /** The depth of a panel, which fills about half of the L1 cache. */
    static final int K_BLOCK = 256;

    private static final int ROW_BLOCK = 128;
    private static final int COLUMN_BLOCK = 512;

    private final FloatKernels loops;
    private final Panels panels;

    /**
     * Creates a kernel.
     *
     * @param loops the inner loops
     */
    public PackedMatrixKernel(FloatKernels loops) {
        this.loops = loops;
        this.panels = new Panels(loops);
    }

    @Override
    public DType gemmType(DType dtype) {
        return DType.F32;
    }

    @Override
    public void multiply(MatrixView a, MatrixView b, MatrixView c, boolean accumulate, Worker worker) {
        Scratch scratch = worker.scratch();
        long mark = scratch.mark();
        if (c.dtype() == DType.F32) {
            multiplyToFloats(a, b, c, accumulate, scratch);
        } else {
            MatrixView sums = MatrixView.of(
                    scratch.floats((long) c.rows() * c.columns()), DType.F32, c.rows(), c.columns(), c.columns());
            for (int row = 0; accumulate && row < c.rows(); row++) {
                loops.widen(c.at(row, 0), sums.at(row, 0), c.columns());
            }
            multiplyToFloats(a, b, sums, accumulate, scratch);
            for (int row = 0; row < c.rows(); row++) {
                loops.narrow(sums.at(row, 0), c.at(row, 0), c.columns());
            }
        }
        scratch.release(mark);
    }

    private void multiplyToFloats(MatrixView a, MatrixView b, MatrixView c, boolean accumulate, Scratch scratch) {
        int k = a.columns();
        long packed = scratch.floats(panels.elements(Math.min(k, K_BLOCK), Math.min(c.columns(), COLUMN_BLOCK)));
        long widened = a.dtype() == DType.BF16 ? scratch.floats((long) K_BLOCK * ROW_BLOCK) : 0;
        for (int kFrom = 0; kFrom < k; kFrom += K_BLOCK) {
            int depth = Math.min(K_BLOCK, k - kFrom);
            boolean add = accumulate || kFrom > 0;
            for (int column = 0; column < c.columns(); column += COLUMN_BLOCK) {
                int columns = Math.min(COLUMN_BLOCK, c.columns() - column);
                panels.pack(b, kFrom, depth, column, columns, packed, scratch);
                for (int row = 0; row < c.rows(); row += ROW_BLOCK) {
                    int rows = Math.min(ROW_BLOCK, c.rows() - row);
                    MatrixView left = block(a, row, rows, kFrom, depth, widened);
                    multiplyPanels(left, packed, depth, c.at(row, column), rows, columns, c.stride(), add, scratch);
                }
            }
        }
    }

    /** Returns a block of A as F32. */
    private MatrixView block(MatrixView a, int row, int rows, int kFrom, int depth, long widened) {
        if (a.dtype() == DType.F32) {
            return new MatrixView(a.at(row, kFrom), DType.F32, rows, depth, a.stride(), a.transposed());
        }
        int lines = a.transposed() ? depth : rows;
        int length = a.transposed() ? rows : depth;
        MatrixView block = new MatrixView(widened, DType.F32, rows, depth, length, a.transposed());
        for (int line = 0; line < lines; line++) {
            long source = a.transposed() ? a.at(row, kFrom + line) : a.at(row + line, kFrom);
            loops.widen(source, widened + (long) line * length * Float.BYTES, length);
        }
        return block;
    }

    /**
     * Computes C = A B or C += A B with B in panels.
     *
     * @param a [rows, depth] in F32
     * @param packed the panels of B, with {@code panelDepth >= depth} rows
     * @param c [rows, columns] in F32
     */
    void multiplyPanels(
            MatrixView a,
            long packed,
            int panelDepth,
            long c,
            int rows,
            int columns,
            long cStride,
            boolean accumulate,
            Scratch scratch) {
        int width = panels.width();
        for (int column = 0; column < columns; column += width) {
            long panel = packed + (long) column * panelDepth * Float.BYTES;
            multiplyPanel(
                    a,
                    panel,
                    c + (long) column * Float.BYTES,
                    rows,
                    Math.min(width, columns - column),
                    cStride,
                    accumulate,
                    scratch);
        }
    }

    /** Computes the columns of C that belong to one panel. */
    void multiplyPanel(
            MatrixView a,
            long panel,
            long c,
            int rows,
            int columns,
            long cStride,
            boolean accumulate,
            Scratch scratch) {
        long aRow = a.transposed() ? 1 : a.stride();
        long aColumn = a.transposed() ? a.stride() : 1;
        int width = panels.width();
        int height = loops.tileRows();
        long mark = scratch.mark();
        long edge = columns < width ? scratch.floats((long) height * width) : 0;
        for (int row = 0; row < rows; row += height) {
            int present = Math.min(height, rows - row);
            long target = c + row * cStride * Float.BYTES;
            if (columns == width) {
                loops.tile(a.at(row, 0), aRow, aColumn, present, panel, a.columns(), target, cStride, accumulate);
            } else {
                loops.tile(a.at(row, 0), aRow, aColumn, present, panel, a.columns(), edge, width, false);
                for (int i = 0; i < present; i++) {
                    long from = edge + (long) i * width * Float.BYTES;
                    long to = target + i * cStride * Float.BYTES;
                    if (accumulate) {
                        loops.add(to, from, to, columns);
                    } else {
                        loops.copy(from, to, columns);
                    }
                }
            }
        }
        scratch.release(mark);
    }
}
