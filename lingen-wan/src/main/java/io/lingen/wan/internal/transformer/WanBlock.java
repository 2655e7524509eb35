package io.lingen.wan.internal.transformer;

import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Rotation;
import io.lingen.diffusion.internal.transformer.FlowBlock;
import io.lingen.diffusion.internal.transformer.Modulation;
import io.lingen.diffusion.internal.transformer.TextKeys;
import java.util.List;

/** A transformer block: self-attention, cross-attention and feed-forward, each added to the residual stream. */
final class WanBlock implements FlowBlock {
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

    @Override
    public Tensor keys(Workspace workspace, Tensor text) {
        return crossAttention.keys(workspace, text);
    }

    @Override
    public Tensor values(Workspace workspace, Tensor text) {
        return crossAttention.values(workspace, text);
    }

    @Override
    public void forward(Tensor x, Rotation rotation, List<Modulation> times, TextKeys text, Taps taps) {
        try (Workspace workspace = backend.newWorkspace()) {
            List<Modulation> modulations = Modulation.sums(backend, workspace, scaleShiftTable, times);
            selfAttention.addTo(x, rotation, modulations, taps);
            crossAttention.addTo(x, text, taps);
            for (Modulation m : modulations) {
                feedForward.addTo(m.rowsOf(x), m.vector(3), m.vector(4), m.vector(5), taps);
            }
        }
    }
}
