package io.lingen.mate;

import io.lingen.core.DType;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.Windows;
import org.jspecify.annotations.Nullable;

/**
 * TEmporal Swin Attention (TESA), the TE-branch: full attention inside small windows of fixed size, shifted by half a window in odd layers
 * (specification, section 4). Immutable, thread-safe.
 */
public final class TemporalSwinAttention {
    private static final float QK_NORM_EPSILON = 1e-6f;

    private final Backend backend;
    private final DType precision;
    private final int heads;
    private final int headDim;
    private final Windows windows;
    private final Linear qkv; // d -> q, k, v
    private final Linear projection; // inner -> d
    private final @Nullable Tensor queryNorm; // [headDim]
    private final @Nullable Tensor keyNorm; // [headDim]
    private final @Nullable Tensor positionBias; // [heads, offsets]

    /**
     * Loads the branch of a layer.
     *
     * @param weights those of the branch
     * @param config the window and the inner width
     * @param hiddenSize d
     * @param heads the number of attention heads
     * @param layer the index of the block; odd ones are shifted
     * @throws io.lingen.core.checkpoint.CheckpointException if a tensor is missing or invalid
     */
    public TemporalSwinAttention(ModelWeights weights, SwinConfig config, int hiddenSize, int heads, int layer) {
        int inner = config.innerDim();
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.heads = heads;
        this.headDim = inner / heads;
        this.windows = new Windows(config.window(), layer % 2 == 1);
        this.qkv = weights.linear("qkv", hiddenSize, 3L * inner);
        this.projection = weights.linear("proj", inner, hiddenSize);
        this.queryNorm = config.qkNorm() ? weights.vector("q_norm.weight", headDim) : null;
        this.keyNorm = config.qkNorm() ? weights.vector("k_norm.weight", headDim) : null;
        this.positionBias = config.positionBias() ? weights.tensor("position_bias", heads, windows.offsets()) : null;
    }

    /**
     * Computes residual += gate * attention(tokens).
     *
     * @param residual [grid cells, d], F32
     * @param gate [d], F32
     * @param tokens [grid cells, d]
     * @param grid the arrangement of the tokens
     * @param taps receives "te"
     */
    public void addTo(Tensor residual, Tensor gate, Tensor tokens, Grid grid, Taps taps) {
        long inner = (long) heads * headDim;
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor projected = qkv.apply(workspace, tokens, precision); // [N, 3 inner]
            Heads q = new Heads(projected, 0, heads, headDim);
            Heads k = new Heads(projected, inner, heads, headDim);
            Heads v = new Heads(projected, 2 * inner, heads, headDim);
            if (queryNorm != null && keyNorm != null) {
                backend.headRmsNorm(q, queryNorm, QK_NORM_EPSILON);
                backend.headRmsNorm(k, keyNorm, QK_NORM_EPSILON);
            }
            Tensor mixed = workspace.allocate(precision, grid.cells(), inner); // [N, inner]
            backend.windowAttention(q, k, v, grid, windows, positionBias, mixed);
            projection.apply(mixed, Epilogue.gatedAdd(gate), residual, taps, "te"); // [N, d]
        }
    }
}
