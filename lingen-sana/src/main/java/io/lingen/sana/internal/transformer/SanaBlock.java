package io.lingen.sana.internal.transformer;

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

/** A transformer block: linear attention, cross-attention and feed-forward, each added to the residual stream. */
final class SanaBlock implements FlowBlock {
    private final Backend backend;
    private final Tensor scaleShiftTable; // [6, D]
    private final SanaSelfAttention selfAttention;
    private final SanaCrossAttention crossAttention;
    private final SanaFeedForward feedForward;

    SanaBlock(ModelWeights weights, SanaTransformerConfig config) {
        this.backend = weights.backend();
        this.scaleShiftTable = weights.tensor("scale_shift_table", 6, config.width());
        this.selfAttention = new SanaSelfAttention(weights.under("attn1"), config);
        this.crossAttention = new SanaCrossAttention(weights.under("attn2"), config);
        this.feedForward = new SanaFeedForward(weights.under("ff"), config);
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
            feedForward.addTo(x, rotation.grid(), modulations, taps);
        }
    }
}
