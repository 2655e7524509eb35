package io.lingen.core.nd4j;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * Elementary functions. Each returns a new array, except {@link #columns} and {@link #rows}, which return views. Their arguments must not
 * be views themselves (see {@link Nd4jTensor#values}).
 */
final class Functions {
    private Functions() {}

    /** Computes x / (1 + exp(-x)). */
    static INDArray silu(INDArray x) {
        return x.mul(Transforms.sigmoid(x));
    }

    /** Computes 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). ND4J's own GELU uses a sigmoid approximation. */
    static INDArray gelu(INDArray x) {
        INDArray cubic = x.add(x.mul(x).mul(x).mul(0.044715));
        return Transforms.tanh(cubic.mul(Math.sqrt(2 / Math.PI))).add(1).mul(x).mul(0.5);
    }

    /**
     * Computes ln(1 + exp(x)) as max(x, 0) + ln(1 + exp(-|x|)), which cannot overflow. Uses double precision, because ND4J has no log1p
     * that is exact for small arguments.
     */
    static INDArray softplus(INDArray x) {
        INDArray wide = x.castTo(DataType.DOUBLE);
        INDArray tail =
                Transforms.log(Transforms.exp(Transforms.abs(wide).neg()).add(1));
        return Transforms.max(wide, 0).add(tail).castTo(DataType.FLOAT);
    }

    /** Computes the softmax of each row of a matrix. */
    static INDArray softmax(INDArray x) {
        INDArray exponentials = Transforms.exp(x.sub(x.max(true, 1)));
        return exponentials.div(exponentials.sum(true, 1));
    }

    /** Returns a view of a range of columns. */
    static INDArray columns(INDArray matrix, long from, long count) {
        INDArray part = matrix.get(NDArrayIndex.all(), NDArrayIndex.interval(from, from + count));
        return asMatrix(part, matrix.size(0), count);
    }

    /** Returns a view of a range of rows. */
    static INDArray rows(INDArray matrix, long from, long to) {
        INDArray part = matrix.get(NDArrayIndex.interval(from, to), NDArrayIndex.all());
        return asMatrix(part, to - from, matrix.size(1));
    }

    /** Restores the axis that ND4J drops from a view of one row or column. */
    private static INDArray asMatrix(INDArray view, long rows, long columns) {
        return view.rank() == 2 ? view : view.reshape(rows, columns);
    }
}
