package io.lingen.diffusion.internal.latte;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.layer.ModelWeights;
import java.util.function.LongUnaryOperator;

/** Rearrangements of weights before they are packed. Without elements, in a dry run, they have shapes only. */
final class HostMatrices {
    private HostMatrices() {}

    /**
     * {@return the rows of several tensors, one below the other, in F32}
     *
     * @param weights of the layer that the tensors belong to
     * @param parts tensors that differ in their first lengths only
     */
    static HostTensor joinRows(ModelWeights weights, HostTensor... parts) {
        long rows = 0;
        for (HostTensor part : parts) {
            rows += part.shape().length(0);
        }
        Shape shape = parts[0].shape().withFirst(rows);
        if (!weights.backend().computes()) {
            return HostTensor.withoutElements(DType.F32, shape);
        }
        float[] joined = new float[Math.toIntExact(shape.elements())];
        int from = 0;
        for (HostTensor part : parts) {
            float[] values = part.toFloats();
            System.arraycopy(values, 0, joined, from, values.length);
            part.unload();
            from += values.length;
        }
        return HostTensor.of(joined, shape.toArray());
    }

    /**
     * {@return rows of a tensor in another order, in F32}
     *
     * @param weights of the layer that the tensor belongs to
     * @param tensor [n, ..]
     * @param source the row of the tensor for each row of the result
     */
    static HostTensor reorderRows(ModelWeights weights, HostTensor tensor, LongUnaryOperator source) {
        Shape shape = tensor.shape();
        if (!weights.backend().computes()) {
            return HostTensor.withoutElements(DType.F32, shape);
        }
        float[] values = tensor.toFloats();
        float[] ordered = new float[values.length];
        int width = Math.toIntExact(shape.entryElements());
        for (int row = 0; row < shape.length(0); row++) {
            System.arraycopy(values, (int) source.applyAsLong(row) * width, ordered, row * width, width);
        }
        return HostTensor.of(ordered, shape.toArray());
    }

    /**
     * {@return a range of the columns of a matrix, in F32}
     *
     * @param weights of the layer that the matrix belongs to
     * @param matrix [n, m]
     * @param from the first column
     * @param to the column after the last
     */
    static HostTensor columns(ModelWeights weights, HostTensor matrix, int from, int to) {
        int rows = Math.toIntExact(matrix.shape().length(0));
        int all = Math.toIntExact(matrix.shape().last());
        int width = to - from;
        if (!weights.backend().computes()) {
            return HostTensor.withoutElements(DType.F32, Shape.of(rows, width));
        }
        float[] values = matrix.toFloats();
        float[] part = new float[rows * width];
        for (int row = 0; row < rows; row++) {
            System.arraycopy(values, row * all + from, part, row * width, width);
        }
        return HostTensor.of(part, rows, width);
    }

    /**
     * {@return a matrix with the rows of another one as additional columns, in F32}
     *
     * @param weights of the layer that the matrices belong to
     * @param matrix [n, m]
     * @param rows [k, n]
     */
    static HostTensor appendColumns(ModelWeights weights, HostTensor matrix, HostTensor rows) {
        int n = Math.toIntExact(matrix.shape().length(0));
        int m = Math.toIntExact(matrix.shape().last());
        int k = Math.toIntExact(rows.shape().length(0));
        if (!weights.backend().computes()) {
            return HostTensor.withoutElements(DType.F32, Shape.of(n, m + k));
        }
        float[] left = matrix.toFloats();
        float[] added = rows.toFloats();
        float[] joined = new float[Math.multiplyExact(n, m + k)];
        for (int row = 0; row < n; row++) {
            System.arraycopy(left, row * m, joined, row * (m + k), m);
            for (int column = 0; column < k; column++) {
                joined[row * (m + k) + m + column] = added[column * n + row];
            }
        }
        return HostTensor.of(joined, n, m + k);
    }
}
