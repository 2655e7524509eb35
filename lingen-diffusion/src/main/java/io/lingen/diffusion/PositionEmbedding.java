package io.lingen.diffusion;

import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Grid;

/** The position embedding: the sum of learned tables for t, h and w (specification, section 2; the factorized embedding of Movie Gen). */
final class PositionEmbedding {
    private final Backend backend;
    private final Tensor tableT; // [max t, d]
    private final Tensor tableH; // [max h, d]
    private final Tensor tableW; // [max w, d]

    PositionEmbedding(ModelWeights weights, Grid max, int hiddenSize) {
        this.backend = weights.backend();
        this.tableT = weights.tensor("t", max.t(), hiddenSize);
        this.tableH = weights.tensor("h", max.h(), hiddenSize);
        this.tableW = weights.tensor("w", max.w(), hiddenSize);
    }

    /** Computes out = x + the position of every token; out may be x. */
    void add(Tensor x, Grid grid, Tensor out) {
        backend.addPosition(x, tableT, tableH, tableW, grid, out);
    }
}
