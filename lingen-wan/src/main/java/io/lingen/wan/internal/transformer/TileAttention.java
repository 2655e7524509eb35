package io.lingen.wan.internal.transformer;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;

/**
 * The coarse branch of a gated self-attention (Zhang et al., 2025, "VSA: Faster video diffusion with trainable sparse attention"): attention
 * among tiles of 4x4x4 tokens, each represented by the means of its queries, keys and values. All tokens of a tile receive the output of their
 * tile, multiplied by a gate of their own. Tiles at the end of an axis may be smaller.
 */
final class TileAttention {
    /** The name of the gate. */
    static final String GATE = "to_gate_compress";

    private static final Dims3 TILE = new Dims3(4, 4, 4);

    private final Backend backend;
    private final DType precision;
    private final Linear gate; // D -> D

    TileAttention(ModelWeights weights, WanTransformerConfig config) {
        int d = config.width();
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.gate = weights.has(GATE + ".bias") ? weights.linear(GATE, d, d) : weights.linearWithoutBias(GATE, d, d);
    }

    /**
     * {@return gate(u) * spread(attention(mean(q), mean(k), mean(v))), [N, D]}
     *
     * @param workspace the owner of the result
     * @param u [N, D], the input of the attention
     * @param q queries after the rotation
     * @param k keys after the rotation
     * @param v values
     * @param grid the grid of tokens
     */
    Tensor forward(Workspace workspace, Tensor u, Heads q, Heads k, Heads v, Grid grid) {
        Tensor out = gate.apply(workspace, u, precision); // [N, D]
        try (Workspace scratch = backend.newWorkspace()) {
            Grid tiles = grid.dividedBy(TILE);
            Heads queries = means(scratch, q, grid);
            Tensor mixed = scratch.allocate(precision, tiles.cells(), q.width()); // [tiles, D]
            backend.attention(queries, means(scratch, k, grid), means(scratch, v, grid), null, mixed);
            Tensor spread = scratch.allocate(precision, u.shape()); // [N, D]
            backend.upsampleNearest(video(mixed, tiles), TILE, video(spread, grid));
            backend.multiply(out, spread, out);
        }
        return out;
    }

    private Heads means(Workspace workspace, Heads heads, Grid grid) {
        Tensor means = workspace.allocate(precision, grid.dividedBy(TILE).cells(), heads.width()); // [tiles, D]
        backend.averagePool(heads.matrix(), grid, TILE, means);
        return new Heads(means, 0, heads.heads(), heads.headDim());
    }

    private static Tensor video(Tensor rows, Grid grid) {
        return rows.reshape(Shape.of(grid.t(), grid.h(), grid.w(), rows.shape().last()));
    }
}
