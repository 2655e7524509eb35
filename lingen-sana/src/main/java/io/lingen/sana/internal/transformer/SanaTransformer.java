package io.lingen.sana.internal.transformer;

import io.lingen.core.DType;
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
 * SANA-Video's transformer (Chen et al., 2025, "SANA-Video: Efficient Video Generation with Block Linear Diffusion Transformer"): linear
 * attention with rotary positions, cross-attention to the text, and a feed-forward network that mixes neighboring tokens. Its cost is linear
 * in the number of tokens.
 */
public final class SanaTransformer {
    /** The width of the time sinusoid, which is in no configuration. */
    private static final int TIME_WIDTH = 256;

    /** Added to the variance by the last norm, whatever the configuration. */
    private static final float OUTPUT_EPSILON = 1e-6f;

    private SanaTransformer() {}

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
            SanaTransformerConfig config, NamedTensors tensors, Backend backend, DType precision) {
        return ModelWeights.load(tensors, backend, precision, weights -> build(weights, config));
    }

    private static FlowTransformer build(ModelWeights weights, SanaTransformerConfig config) {
        int d = config.width();
        ModelWeights time = weights.under("time_embed").withPrecision(DType.F32);
        List<SanaBlock> blocks = new ArrayList<>();
        for (int layer = 0; layer < config.layers(); layer++) {
            blocks.add(new SanaBlock(weights.under("transformer_blocks." + layer), config));
        }
        return new FlowTransformer(
                weights,
                new FlowTransformer.Layers(
                        FlowTransformer.patchEmbedding(weights, config.channels(), d), // 4C -> D
                        new RotaryTables(
                                weights.backend(), weights.workspace(), config.headDim(), config.maxPositions()),
                        new TimeEmbedding(
                                weights.backend(),
                                time.linear("emb.timestep_embedder.linear_1", TIME_WIDTH, d),
                                time.linear("emb.timestep_embedder.linear_2", d, d),
                                time.linear("linear", d, 6L * d)),
                        new TextEmbedder(
                                weights.under("caption_projection"),
                                config.textWidth(),
                                d,
                                weights.vector("caption_norm.weight", d)),
                        blocks,
                        new VelocityOutput(
                                weights,
                                weights.tensor("scale_shift_table", 2, d),
                                config.channels(),
                                OUTPUT_EPSILON)));
    }
}
