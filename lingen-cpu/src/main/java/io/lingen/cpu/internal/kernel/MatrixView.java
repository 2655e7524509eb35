package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;

/**
 * A matrix in off-heap memory: element (i, j) lies {@code i * stride + j} elements after {@code address}, or {@code j * stride + i} when
 * transposed.
 *
 * @param address the address of element (0, 0)
 * @param dtype F32 or BF16
 * @param rows as the product sees it, after the transposition
 * @param columns as the product sees it, after the transposition
 * @param stride the elements from one stored row to the next
 * @param transposed whether stored rows are the matrix's columns
 */
public record MatrixView(long address, DType dtype, int rows, int columns, long stride, boolean transposed) {
    /** A matrix stored row by row. */
    public static MatrixView of(long address, DType dtype, int rows, int columns, long stride) {
        return new MatrixView(address, dtype, rows, columns, stride, false);
    }

    /** The transpose of a matrix that is stored as [columns, rows]. */
    public static MatrixView transposed(long address, DType dtype, int rows, int columns, long stride) {
        return new MatrixView(address, dtype, rows, columns, stride, true);
    }

    /** The same elements with rows and columns exchanged. */
    public MatrixView transpose() {
        return new MatrixView(address, dtype, columns, rows, stride, !transposed);
    }

    /** Some of the rows of a matrix that is not transposed. */
    public MatrixView rows(int first, int count) {
        return new MatrixView(at(first, 0), dtype, count, columns, stride, transposed);
    }

    /** The first rows and some of the columns of a matrix that is not transposed. */
    public MatrixView part(int rowCount, int firstColumn, int columnCount) {
        return new MatrixView(at(0, firstColumn), dtype, rowCount, columnCount, stride, transposed);
    }

    /** The address of an element. */
    public long at(long row, long column) {
        return address + (transposed ? column * stride + row : row * stride + column) * dtype.bytes();
    }
}
