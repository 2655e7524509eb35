package io.lingen.diffusion.internal.transformer;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;

/**
 * The modulation of a branch by the time: x += gate * branch(LN(x) * (1 + scale) + shift).
 *
 * @param shift [D], F32
 * @param scale [D], F32
 * @param gate [D], F32
 */
public record Modulation(Tensor shift, Tensor scale, Tensor gate) {
    /**
     * {@return the modulation of the attention and of the feed-forward network of a block}
     *
     * @param backend the backend of the tensors
     * @param workspace the owner of the result
     * @param table [6, D], F32: the block's shift, scale and gate of the attention, then of the feed-forward network
     * @param time [6, D], F32: what the time adds to them
     */
    public static OfBlock of(Backend backend, Workspace workspace, Tensor table, Tensor time) {
        Tensor sum = workspace.allocate(DType.F32, table.shape()); // [6, D]
        backend.add(table, time, sum);
        return new OfBlock(rows(sum, 0), rows(sum, 3));
    }

    /**
     * The modulation of the branches of a block.
     *
     * @param attention of the self-attention
     * @param feedForward of the feed-forward network
     */
    public record OfBlock(Modulation attention, Modulation feedForward) {}

    private static Modulation rows(Tensor matrix, int first) {
        return new Modulation(row(matrix, first), row(matrix, first + 1), row(matrix, first + 2));
    }

    private static Tensor row(Tensor matrix, int index) {
        return matrix.slice(index, index + 1L).reshape(Shape.of(matrix.shape().last()));
    }
}
