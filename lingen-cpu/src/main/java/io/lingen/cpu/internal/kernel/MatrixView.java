package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;

/**
 * A view of a matrix in off-heap memory. Element (i, j) is {@code i * stride + j} elements after {@code address}, or {@code j * stride + i}
 * if the matrix is transposed.
 *
 * @param address the address of element (0, 0)
 * @param dtype F32 or BF16
 * @param rows the number of rows, after the transposition
 * @param columns the number of columns, after the transposition
 * @param stride the distance of stored rows in elements
 * @param transposed whether stored rows are the columns of the matrix
 */
public record MatrixView(long address, DType dtype, int rows, int columns, long stride, boolean transposed) {
    /**
     * {@return a view of a matrix that is stored row by row}
     *
     * @param address the address of element (0, 0)
     * @param dtype F32 or BF16
     * @param rows the number of rows
     * @param columns the number of columns
     * @param stride the distance of the rows in elements
     */
    public static MatrixView of(long address, DType dtype, int rows, int columns, long stride) {
        return new MatrixView(address, dtype, rows, columns, stride, false);
    }

    /**
     * {@return a view of the transpose of a matrix that is stored as [columns, rows]}
     *
     * @param address the address of element (0, 0)
     * @param dtype F32 or BF16
     * @param rows the number of rows of the transpose
     * @param columns the number of columns of the transpose
     * @param stride the distance of stored rows in elements
     */
    public static MatrixView transposed(long address, DType dtype, int rows, int columns, long stride) {
        return new MatrixView(address, dtype, rows, columns, stride, true);
    }

    /** {@return a view of the transpose} */
    public MatrixView transpose() {
        return new MatrixView(address, dtype, columns, rows, stride, !transposed);
    }

    /**
     * {@return a view of a range of rows} This matrix must not be transposed.
     *
     * @param first the first row
     * @param count the number of rows
     */
    public MatrixView rows(int first, int count) {
        return new MatrixView(at(first, 0), dtype, count, columns, stride, transposed);
    }

    /**
     * {@return a view of the first rows of a range of columns} This matrix must not be transposed.
     *
     * @param rowCount the number of rows
     * @param firstColumn the first column
     * @param columnCount the number of columns
     */
    public MatrixView part(int rowCount, int firstColumn, int columnCount) {
        return new MatrixView(at(0, firstColumn), dtype, rowCount, columnCount, stride, transposed);
    }

    /**
     * {@return the address of an element}
     *
     * @param row from 0
     * @param column from 0
     */
    public long at(long row, long column) {
        return address + (transposed ? column * stride + row : row * stride + column) * dtype.bytes();
    }
}
