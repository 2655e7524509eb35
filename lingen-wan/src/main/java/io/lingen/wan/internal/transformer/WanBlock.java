package io.lingen.wan.internal.transformer;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Grid;
import java.util.List;

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
     * @param times the modulation of all tokens by their times, [6, D] each: shift, scale and gate of the attention, then of the feed-forward
     *     network
     * @param layer the index of this block
     */
    void forward(
            Tensor x,
            Grid grid,
            RotaryTables rotary,
            List<Modulation> times,
            WanConditioning text,
            int layer,
            Taps taps) {
        try (Workspace workspace = backend.newWorkspace()) {
            List<Modulation> modulations =
                    times.stream().map(time -> modulation(workspace, time)).toList();
            selfAttention.addTo(x, grid, rotary, modulations, taps);
            crossAttention.addTo(x, text.keys().get(layer), text.values().get(layer), text.weights(), taps);
            for (Modulation m : modulations) {
                feedForward.addTo(m.rowsOf(x), m.vector(3), m.vector(4), m.vector(5), taps);
            }
        }
    }

    private Modulation modulation(Workspace workspace, Modulation time) {
        Tensor vectors = workspace.allocate(DType.F32, scaleShiftTable.shape()); // [6, D]
        backend.add(scaleShiftTable, time.vectors(), vectors);
        return new Modulation(time.from(), time.to(), vectors);
    }
}
