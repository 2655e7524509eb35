package io.lingen.core.op;

import io.lingen.core.Tensor;

/**
 * A band of a matrix's columns read as attention heads: head i is columns {@code column + i * headDim} to
 * {@code column + (i + 1) * headDim}. Queries, keys and values of one projection are three bands of its output.
 *
 * @param matrix [tokens, columns]
 * @param column the band's first column
 */
public record Heads(Tensor matrix, long column, int heads, int headDim) {
    public Heads {
        if (matrix.shape().rank() != 2) {
            throw new IllegalArgumentException("heads are columns of a matrix, found a tensor " + matrix.shape());
        }
        if (heads < 1 || headDim < 1 || column < 0 || column > matrix.shape().last() - (long) heads * headDim) {
            throw new IllegalArgumentException(heads + " heads of " + headDim + " from column " + column
                    + " on do not fit a matrix " + matrix.shape());
        }
    }

    /** The number of tokens. */
    public long tokens() {
        return matrix.shape().length(0);
    }

    /** The band's width: heads times head dimension. */
    public long width() {
        return (long) heads * headDim;
    }
}
