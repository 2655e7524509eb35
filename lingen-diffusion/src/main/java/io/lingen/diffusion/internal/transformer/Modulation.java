package io.lingen.diffusion.internal.transformer;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import java.util.List;

/**
 * Vectors that modulate consecutive tokens, which have one time.
 *
 * @param from the first token
 * @param to the token after the last one
 * @param vectors [k, D], F32
 */
public record Modulation(long from, long to, Tensor vectors) {
    /**
     * {@return the sums of a table and the vectors of each time}
     *
     * @param backend the backend of the tensors
     * @param workspace the owner of the result
     * @param table [k, D], F32: the vectors of a block
     * @param times the vectors of the times of all tokens, [k, D] each
     */
    public static List<Modulation> sums(Backend backend, Workspace workspace, Tensor table, List<Modulation> times) {
        return times.stream()
                .map(time -> {
                    Tensor sum = workspace.allocate(DType.F32, table.shape()); // [k, D]
                    backend.add(table, time.vectors, sum);
                    return new Modulation(time.from, time.to, sum);
                })
                .toList();
    }

    /**
     * {@return the tokens' rows of a matrix}
     *
     * @param matrix [N, D]
     */
    public Tensor rowsOf(Tensor matrix) {
        return matrix.slice(from, to);
    }

    /**
     * {@return a vector, [D]}
     *
     * @param index from 0
     */
    public Tensor vector(int index) {
        return vectors.slice(index, index + 1L).reshape(Shape.of(vectors.shape().last()));
    }
}
