package io.lingen.wan.internal.transformer;

import io.lingen.core.Shape;
import io.lingen.core.Tensor;

/**
 * Vectors that modulate consecutive tokens, which have one time.
 *
 * @param from the first token
 * @param to the token after the last one
 * @param vectors [k, D], F32
 */
record Modulation(long from, long to, Tensor vectors) {
    /** {@return the tokens' rows of a matrix [N, D]} */
    Tensor rowsOf(Tensor matrix) {
        return matrix.slice(from, to);
    }

    /** {@return a vector, [D]} */
    Tensor vector(int index) {
        return vectors.slice(index, index + 1L).reshape(Shape.of(vectors.shape().last()));
    }
}
