package io.lingen.diffusion;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.WeightReader;
import io.lingen.core.op.Grid;

/** Learned tables for t, h and w, summed (specification, section 2; Movie Gen's factorised embedding). */
final class PositionEmbedding {
    private final Backend backend;
    private final Tensor tableT; // [max t, d]
    private final Tensor tableH; // [max h, d]
    private final Tensor tableW; // [max w, d]

    PositionEmbedding(Backend backend, Workspace workspace, WeightReader reader, Grid max, int hiddenSize) {
        this.backend = backend;
        this.tableT = backend.upload(workspace, reader.tensor("t", max.t(), hiddenSize), DType.F32);
        this.tableH = backend.upload(workspace, reader.tensor("h", max.h(), hiddenSize), DType.F32);
        this.tableW = backend.upload(workspace, reader.tensor("w", max.w(), hiddenSize), DType.F32);
    }

    /** out = x + the position of every token; out may be x. */
    void add(Tensor x, Grid grid, Tensor out) {
        backend.addPosition(x, tableT, tableH, tableW, grid, out);
    }
}
