package io.lingen.core.op;

import io.lingen.core.Tensor;

/**
 * A range of a matrix's columns read as attention heads. Head i is columns {@code column + i * headDim} to {@code column + (i + 1) *
 * headDim}, the last exclusive. The queries, keys and values of one projection are three such ranges.
 *
 * @param matrix [tokens, columns]
 * @param column the first column of the range
 * @param heads the number of heads, at least 1
 * @param headDim the width of a head, at least 1
 */
public record Heads(Tensor matrix, long column, int heads, int headDim) {
    /**
     * Checks that the heads lie within the matrix.
     *
     * @throws IllegalArgumentException if they do not
     */
    public Heads {
        if (matrix.shape().rank() != 2) {
            throw new IllegalArgumentException("heads must be columns of a matrix, found a tensor " + matrix.shape());
        }
        if (heads < 1 || headDim < 1 || column < 0 || column > matrix.shape().last() - (long) heads * headDim) {
            throw new IllegalArgumentException("columns of " + heads + " heads of " + headDim + " from column " + column
                    + " must lie within the matrix, found " + matrix.shape());
        }
    }

    /** {@return the number of tokens} */
    public long tokens() {
        return matrix.shape().length(0);
    }

    /** {@return the width of the range: heads times head dimension} */
    public long width() {
        return (long) heads * headDim;
    }
}
