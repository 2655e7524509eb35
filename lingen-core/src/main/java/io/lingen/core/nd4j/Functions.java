package io.lingen.core.nd4j;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

/** The functions that the operations are made of. Each gives a new array, but {@link #columns} and
 * {@link #rows} give views, of arrays that are none themselves (see {@link Nd4jTensor#values}). */
final class Functions {
    private Functions() {}

    /** x / (1 + exp(-x)) */
    static INDArray silu(INDArray x) {
        return x.mul(Transforms.sigmoid(x));
    }

    /** 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))); ND4J's own GELU is another approximation, by a sigmoid. */
    static INDArray gelu(INDArray x) {
        INDArray cubic = x.add(x.mul(x).mul(x).mul(0.044715));
        return Transforms.tanh(cubic.mul(Math.sqrt(2 / Math.PI))).add(1).mul(x).mul(0.5);
    }

    /**
     * ln(1 + exp(x)), as max(x, 0) + ln(1 + exp(-|x|)), which can't overflow; in double precision, since ND4J has no log1p that is exact
     * for small arguments.
     */
    static INDArray softplus(INDArray x) {
        INDArray wide = x.castTo(DataType.DOUBLE);
        INDArray tail =
                Transforms.log(Transforms.exp(Transforms.abs(wide).neg()).add(1));
        return Transforms.max(wide, 0).add(tail).castTo(DataType.FLOAT);
    }

    /** Softmax over the rows of a matrix. */
    static INDArray softmax(INDArray x) {
        INDArray exponentials = Transforms.exp(x.sub(x.max(true, 1)));
        return exponentials.div(exponentials.sum(true, 1));
    }

    /** A band of a matrix's columns. */
    static INDArray columns(INDArray matrix, long from, long count) {
        INDArray band = matrix.get(NDArrayIndex.all(), NDArrayIndex.interval(from, from + count));
        return asMatrix(band, matrix.size(0), count);
    }

    /** Some of a matrix's rows. */
    static INDArray rows(INDArray matrix, long from, long to) {
        INDArray part = matrix.get(NDArrayIndex.interval(from, to), NDArrayIndex.all());
        return asMatrix(part, to - from, matrix.size(1));
    }

    /** ND4J drops axes of one-column matrices. */
    private static INDArray asMatrix(INDArray view, long rows, long columns) {
        return view.rank() == 2 ? view : view.reshape(rows, columns);
    }
}
