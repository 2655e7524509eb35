package io.lingen.diffusion;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Grid;
import io.lingen.diffusion.internal.CrossAttention;
import io.lingen.diffusion.internal.FeedForward;
import io.lingen.mate.TokenMixer;

/** A transformer block: token mixer, cross-attention and feed-forward, each added to the residual stream (specification, section 2). */
final class TransformerBlock {
    static final float NORM_EPSILON = 1e-6f;

    private final Backend backend;
    private final DType precision;
    private final TransformerConfig config;
    private final Tensor scaleShiftTable; // [6, d]
    private final TokenMixer mixer;
    private final CrossAttention cross;
    private final FeedForward feedForward;

    TransformerBlock(ModelWeights weights, TransformerConfig config, TokenMixer mixer) {
        this.backend = weights.backend();
        this.precision = weights.precision();
        this.config = config;
        this.scaleShiftTable = weights.tensor("scale_shift_table", 6, config.hiddenSize());
        this.mixer = mixer;
        int d = config.hiddenSize();
        this.cross = new CrossAttention(
                backend,
                precision,
                config.heads(),
                weights.linear("cross.q", d, d),
                weights.linear("cross.kv", d, 2L * d),
                weights.linear("cross.proj", d, d));
        this.feedForward = new FeedForward(
                backend,
                precision,
                NORM_EPSILON,
                weights.linear("ffn.fc1", d, config.ffnSize()),
                weights.linear("ffn.fc2", config.ffnSize(), d));
    }

    CrossAttention cross() {
        return cross;
    }

    /**
     * Updates the residual stream x [N, d] in place.
     *
     * @param position the tables, which are added in every block
     * @param timeModulation [6, d]
     * @param textKeysAndValues those of this block, [L, 2d]
     */
    void forward(
            Tensor x,
            Grid grid,
            PositionEmbedding position,
            Tensor timeModulation,
            Tensor textKeysAndValues,
            TextConditioning conditioning,
            Taps taps) {
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor modulation = workspace.allocate(DType.F32, scaleShiftTable.shape()); // [6, d]
            backend.add(scaleShiftTable, timeModulation, modulation);
            mixTokens(x, grid, position, modulation, taps);
            taps.accept("mate_out", x);
            cross.addTo(x, textKeysAndValues, conditioning.weights(), taps, "cross");
            taps.accept("cross_out", x);
            feedForward.addTo(x, row(modulation, 3), row(modulation, 4), row(modulation, 5), taps, "ffn");
        }
    }

    private void mixTokens(Tensor x, Grid grid, PositionEmbedding position, Tensor modulation, Taps taps) {
        long lead = mixer.leadingRows(grid);
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor sequence = workspace.allocate(precision, lead + grid.cells(), config.hiddenSize()); // [R + N, d]
            Tensor u = sequence.slice(lead, lead + grid.cells()); // [N, d]
            if (config.position() == TransformerConfig.Position.RESIDUAL) {
                position.add(x, grid, x);
                backend.modulatedLayerNorm(x, row(modulation, 0), row(modulation, 1), NORM_EPSILON, u);
            } else {
                try (Workspace scratch = backend.newWorkspace()) {
                    Tensor placed = scratch.allocate(DType.F32, x.shape()); // [N, d]
                    position.add(x, grid, placed);
                    backend.modulatedLayerNorm(placed, row(modulation, 0), row(modulation, 1), NORM_EPSILON, u);
                }
            }
            taps.accept("norm1", u);
            mixer.addTo(x, row(modulation, 2), sequence, grid, taps);
        }
    }

    private static Tensor row(Tensor matrix, int index) {
        return matrix.slice(index, index + 1L).reshape(Shape.of(matrix.shape().last()));
    }
}
