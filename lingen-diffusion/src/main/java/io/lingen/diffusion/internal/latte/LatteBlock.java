package io.lingen.diffusion.internal.latte;

import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Grid;
import io.lingen.diffusion.internal.CrossAttention;
import io.lingen.diffusion.internal.FeedForward;
import io.lingen.diffusion.internal.latte.LatteConfig.Axis;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A block: one or two attentions, cross-attention in blocks that mix frames of text models, and feed-forward. */
final class LatteBlock {
    static final float NORM_EPSILON = 1e-6f;

    private final Backend backend;
    private final LatteConfig.Block plan;
    private final LatteNames names;
    private final Modulation modulation; // 6 vectors
    private final List<AxialAttention> attentions = new ArrayList<>();
    private final @Nullable CrossAttention cross;
    private final FeedForward feedForward;

    LatteBlock(ModelWeights weights, LatteConfig config, LatteConfig.Block plan) {
        int d = config.hiddenSize();
        ModelWeights block = weights.under(plan.name());
        this.backend = weights.backend();
        this.plan = plan;
        this.names = LatteNames.of(config);
        this.modulation = names.modulation(block, d);
        for (int i = 0; i < plan.attentions().size(); i++) {
            ModelWeights attention = block.under(names.attention(i));
            attentions.add(new AxialAttention(
                    attention,
                    config,
                    names.queriesKeysValues(attention, d),
                    names.projection(),
                    plan.attentions().get(i)));
        }
        this.cross = plan.attendsToText() ? cross(block.under("attn2"), config) : null;
        this.feedForward = new FeedForward(
                backend,
                weights.precision(),
                NORM_EPSILON,
                block.linear(names.fc1(), d, config.ffnSize()),
                block.linear(names.fc2(), config.ffnSize(), d));
    }

    private static CrossAttention cross(ModelWeights weights, LatteConfig config) {
        int d = config.hiddenSize();
        return new CrossAttention(
                weights.backend(),
                weights.precision(),
                config.heads(),
                weights.linear("to_q", d, d),
                LatteNames.joined(weights, d, "to_k", "to_v"),
                weights.linear("to_out.0", d, d));
    }

    /** {@return the cross-attention; null in a block without it} */
    @Nullable
    CrossAttention cross() {
        return cross;
    }

    /**
     * Updates the residual stream x [N, d] in place.
     *
     * @param time the vectors that the modulation reads
     * @param conditioning has the keys and values of this block
     * @param layer the index of this block
     */
    void forward(
            Tensor x,
            Grid grid,
            PositionTables position,
            Tensor time,
            LatteConditioning conditioning,
            int layer,
            Taps taps) {
        String tap = plan.name() + ".";
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor m = modulation.rows(workspace, time); // [6, d]
            for (int i = 0; i < attentions.size(); i++) {
                if (plan.addsFrames() && plan.attentions().get(i).equals(List.of(Axis.TIME))) {
                    position.addTime(x, grid);
                }
                attentions
                        .get(i)
                        .addTo(
                                x,
                                grid,
                                Modulation.row(m, 0),
                                Modulation.row(m, 1),
                                Modulation.row(m, 2),
                                taps,
                                tap + names.attention(i));
            }
            if (cross != null) {
                cross.addTo(x, conditioning.keysAndValues(layer), conditioning.weights(), taps, tap + "attn2");
            }
            feedForward.addTo(
                    x,
                    Modulation.row(m, 3),
                    Modulation.row(m, 4),
                    Modulation.row(m, 5),
                    taps,
                    tap + names.feedForward());
        }
        taps.accept(plan.name(), x);
    }
}
