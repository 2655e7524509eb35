package io.lingen.cpu.internal.dnnl;

import io.lingen.core.DType;
import io.lingen.cpu.internal.WorkerPool.Worker;
import io.lingen.cpu.internal.dnnl.MatmulShape.After;
import io.lingen.cpu.internal.kernel.MatrixKernel;
import io.lingen.cpu.internal.kernel.MatrixView;
import io.lingen.cpu.internal.loop.FloatKernels;

/** Matrix products on oneDNN, with one compiled primitive per shape. Two BF16 operands are multiplied in BF16, all others in F32. */
public final class DnnlMatrixKernel implements MatrixKernel {
    private final Dnnl dnnl;
    private final FloatKernels loops;

    /**
     * Creates a kernel.
     *
     * @param dnnl the library
     * @param loops the inner loops
     */
    public DnnlMatrixKernel(Dnnl dnnl, FloatKernels loops) {
        this.dnnl = dnnl;
        this.loops = loops;
    }

    @Override
    public DType gemmType(DType dtype) {
        return dnnl.gemmType(dtype);
    }

    @Override
    public void multiply(MatrixView a, MatrixView b, MatrixView c, boolean accumulate, Worker worker) {
        long mark = worker.scratch().mark();
        DType type = a.dtype() == b.dtype() ? dnnl.gemmType(a.dtype()) : DType.F32;
        MatrixView left = converted(type, a, worker);
        MatrixView right = converted(type, b, worker);
        DType stored = Dnnl.storedType(type, c.dtype());
        boolean direct = stored == c.dtype();
        int columns = right.columns();
        long sums = direct ? c.address() : worker.scratch().bytes((long) left.rows() * columns * stored.bytes());
        if (!direct && accumulate) {
            for (int i = 0; i < left.rows(); i++) {
                loops.load(rowOf(c, i), c.dtype(), sums + (long) i * columns * stored.bytes(), columns);
            }
        }
        MatmulShape shape = new MatmulShape(
                left.rows(),
                left.columns(),
                columns,
                type,
                rowStride(left),
                columnStride(left),
                type,
                rowStride(right),
                columnStride(right),
                stored,
                direct ? c.stride() : columns,
                false,
                accumulate ? After.ADD : After.NONE);
        dnnl.matmuls().of(shape).execute(worker, left.address(), right.address(), sums);
        if (!direct) {
            for (int i = 0; i < left.rows(); i++) {
                loops.store(sums + (long) i * columns * stored.bytes(), rowOf(c, i), c.dtype(), columns);
            }
        }
        worker.scratch().release(mark);
    }

    private static long rowOf(MatrixView matrix, int row) {
        return matrix.address() + row * matrix.stride() * matrix.dtype().bytes();
    }

    private MatrixView converted(DType type, MatrixView matrix, Worker worker) {
        if (matrix.dtype() == type) {
            return matrix;
        }
        int rows = matrix.transposed() ? matrix.columns() : matrix.rows();
        int columns = matrix.transposed() ? matrix.rows() : matrix.columns();
        long target = worker.scratch().bytes((long) rows * columns * type.bytes());
        for (int i = 0; i < rows; i++) {
            loops.load(
                    matrix.address() + i * matrix.stride() * matrix.dtype().bytes(),
                    matrix.dtype(),
                    target + (long) i * columns * type.bytes(),
                    columns);
        }
        return new MatrixView(target, type, matrix.rows(), matrix.columns(), columns, matrix.transposed());
    }

    private static long rowStride(MatrixView matrix) {
        return matrix.transposed() ? 1 : matrix.stride();
    }

    private static long columnStride(MatrixView matrix) {
        return matrix.transposed() ? matrix.stride() : 1;
    }
}
