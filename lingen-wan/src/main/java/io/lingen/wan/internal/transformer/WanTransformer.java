package io.lingen.wan.internal.transformer;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.NamedTensors;
import io.lingen.core.layer.ModelWeights;
import io.lingen.diffusion.internal.TimeEmbedding;
import io.lingen.diffusion.internal.transformer.FlowTransformer;
import io.lingen.diffusion.internal.transformer.RotaryTables;
import io.lingen.diffusion.internal.transformer.TextEmbedder;
import io.lingen.diffusion.internal.transformer.VelocityOutput;
import java.util.ArrayList;
import java.util.List;

/**
 * Wan's video transformer (Wan Team, 2025): full attention with rotary positions, cross-attention to the text and a feed-forward network.
 * The time modulates the attention and the feed-forward network.
 */
public final class WanTransformer {
    private static final String GATE = "blocks.0.attn1." + TileAttention.GATE + ".weight";

    private WanTransformer() {}

    /**
     * Loads a transformer.
     *
     * @param config the configuration
     * @param tensors the weights, with the tensor names of diffusers; not used after this call
     * @param backend the backend that computes the passes
     * @param precision the type of GEMMs and activations, F32 or BF16
     * @return the transformer, to be closed by the caller before the backend
     * @throws io.lingen.core.checkpoint.CheckpointException if weights are missing, surplus or of another shape
     */
    public static FlowTransformer load(
            WanTransformerConfig config, NamedTensors tensors, Backend backend, DType precision) {
        return ModelWeights.load(tensors, backend, precision, weights -> build(weights, config));
    }

    /**
     * {@return whether a transformer has gated attention among tiles, with which FastVideo distills models to a few steps}
     *
     * @param tensors the weights, with the tensor names of diffusers
     */
    public static boolean isGated(NamedTensors tensors) {
        return tensors.names().contains(GATE);
    }

    private static FlowTransformer build(ModelWeights weights, WanTransformerConfig config) {
        int d = config.width();
        ModelWeights embedder = weights.under("condition_embedder");
        ModelWeights exact = embedder.withPrecision(DType.F32);
        List<WanBlock> blocks = new ArrayList<>();
        for (int layer = 0; layer < config.layers(); layer++) {
            blocks.add(new WanBlock(weights.under("blocks." + layer), config, weights.has(GATE)));
        }
        Tensor scaleShiftTable = weights.tensor("scale_shift_table", 1, 2, d).reshape(Shape.of(2, d));
        return new FlowTransformer(
                weights,
                new FlowTransformer.Layers(
                        FlowTransformer.patchEmbedding(weights, config.channels(), d), // 4C -> D
                        new RotaryTables(
                                weights.backend(), weights.workspace(), config.headDim(), config.maxPositions()),
                        new TimeEmbedding(
                                weights.backend(),
                                exact.linear("time_embedder.linear_1", config.timeWidth(), d),
                                exact.linear("time_embedder.linear_2", d, d),
                                exact.linear("time_proj", d, 6L * d)),
                        new TextEmbedder(embedder.under("text_embedder"), config.textWidth(), d, null),
                        blocks,
                        new VelocityOutput(weights, scaleShiftTable, config.channels(), config.epsilon())));
    }
}
