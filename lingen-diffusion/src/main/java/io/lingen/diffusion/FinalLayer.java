package io.lingen.diffusion;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;

/** The last layer: modulated norm and projection to patches (specification, section 2). */
final class FinalLayer {
    private final Backend backend;
    private final DType precision;
    private final Tensor scaleShiftTable; // [2, d]: shift, scale
    private final Linear linear; // d -> p

    FinalLayer(ModelWeights weights, TransformerConfig config) {
        int d = config.hiddenSize();
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.scaleShiftTable = weights.tensor("scale_shift_table", 2, d);
        this.linear = weights.linear("linear", d, config.patchWidth());
    }

    /**
     * Computes the patches of the residual stream.
     *
     * @param workspace the owner of the result
     * @param x [N, d]
     * @param timeEmbedding [1, d]
     * @return [N, p]
     */
    Tensor forward(Workspace workspace, Tensor x, Tensor timeEmbedding) {
        long d = x.shape().last();
        try (Workspace scratch = backend.newWorkspace()) {
            Tensor shift = modulation(scratch, 0, timeEmbedding); // [1, d]
            Tensor scale = modulation(scratch, 1, timeEmbedding); // [1, d]
            Tensor normed = scratch.allocate(precision, x.shape().length(0), d); // [N, d]
            backend.modulatedLayerNorm(x, shift, scale, TransformerBlock.NORM_EPSILON, normed);
            return linear.apply(workspace, normed, DType.F32); // [N, p]
        }
    }

    private Tensor modulation(Workspace workspace, int row, Tensor timeEmbedding) {
        Tensor sum =
                workspace.allocate(DType.F32, Shape.of(1, timeEmbedding.shape().last()));
        backend.add(scaleShiftTable.slice(row, row + 1L), timeEmbedding, sum);
        return sum;
    }
}
