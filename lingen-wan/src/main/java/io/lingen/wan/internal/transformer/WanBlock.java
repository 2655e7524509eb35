package io.lingen.wan.internal.transformer;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Grid;

/** A transformer block: self-attention, cross-attention and feed-forward, each added to the residual stream. */
final class WanBlock {
    private final Backend backend;
    private final Tensor scaleShiftTable; // [6, D]
    private final WanSelfAttention selfAttention;
    private final WanCrossAttention crossAttention;
    private final WanFeedForward feedForward;

    /** @param gated whether the self-attention has a {@link TileAttention} */
    WanBlock(ModelWeights weights, WanTransformerConfig config, boolean gated) {
        this.backend = weights.backend();
        this.scaleShiftTable =
                weights.tensor("scale_shift_table", 1, 6, config.width()).reshape(Shape.of(6, config.width()));
        this.selfAttention = new WanSelfAttention(weights.under("attn1"), config, gated);
        this.crossAttention = new WanCrossAttention(weights, config);
        this.feedForward = new WanFeedForward(weights.under("ffn"), config);
    }

    WanCrossAttention crossAttention() {
        return crossAttention;
    }

    /**
     * Updates the residual stream x [N, D] in place.
     *
     * @param timeModulation [6, D]: shift, scale and gate of the attention, then of the feed-forward network
     * @param layer the index of this block
     */
    void forward(
            Tensor x,
            Grid grid,
            RotaryTables rotary,
            Tensor timeModulation,
            WanConditioning text,
            int layer,
            Taps taps) {
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor modulation = workspace.allocate(DType.F32, scaleShiftTable.shape()); // [6, D]
            backend.add(scaleShiftTable, timeModulation, modulation);
            selfAttention.addTo(x, grid, rotary, row(modulation, 0), row(modulation, 1), row(modulation, 2), taps);
            crossAttention.addTo(x, text.keys().get(layer), text.values().get(layer), text.weights(), taps);
            feedForward.addTo(x, row(modulation, 3), row(modulation, 4), row(modulation, 5), taps);
        }
    }

    private static Tensor row(Tensor modulation, int index) {
        return modulation
                .slice(index, index + 1L)
                .reshape(Shape.of(modulation.shape().last()));
    }
}
