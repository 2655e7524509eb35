package io.lingen.sana.internal.transformer;

import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.diffusion.internal.transformer.FlowConfig;
import io.lingen.diffusion.internal.transformer.FlowTransformer;

/**
 * The configuration of a {@link SanaTransformer}, as diffusers writes it.
 *
 * @param heads the number of heads of the linear attention
 * @param headDim the width of one of them
 * @param crossHeads the number of heads of the cross-attention
 * @param crossHeadDim the width of one of them
 * @param ffnSize the width M of the feed-forward network after its gate
 * @param layers the number of blocks
 * @param channels the channels of a latent
 * @param textWidth the width of the text encoder's rows
 * @param epsilon of the layer norms of the blocks
 * @param maxPositions the largest number of tokens on an axis
 */
public record SanaTransformerConfig(
        int heads,
        int headDim,
        int crossHeads,
        int crossHeadDim,
        int ffnSize,
        int layers,
        int channels,
        int textWidth,
        float epsilon,
        int maxPositions) {
    private static final double MAX_MLP_RATIO = 64;

    /**
     * Reads {@code transformer/config.json}. Unknown fields are ignored, since diffusers writes many that change nothing.
     *
     * @param json the configuration
     * @return the checked configuration
     * @throws io.lingen.core.checkpoint.CheckpointException if a field is missing or out of range, or has a value that is not implemented
     */
    public static SanaTransformerConfig read(ConfigReader json) {
        FlowConfig.require(json, "SanaVideoTransformer3DModel");
        for (String field : new String[] {"attention_bias", "guidance_embeds", "norm_elementwise_affine"}) {
            if (json.flagOr(field, false)) {
                throw json.error(field, true, "false");
            }
        }
        int headDim = FlowConfig.headDim(json);
        int heads = FlowConfig.heads(json, "num_attention_heads", headDim);
        int width = heads * headDim;
        int crossHeadDim = json.integer("cross_attention_head_dim", 1, FlowConfig.MAX_WIDTH);
        int crossWidth = json.integer("cross_attention_dim", 1, FlowConfig.MAX_WIDTH);
        if (crossWidth != width) {
            throw json.error(
                    "cross_attention_dim",
                    crossWidth,
                    width + ", the width num_attention_heads * attention_head_dim of the projected text");
        }
        double ratio = json.number("mlp_ratio", 0, MAX_MLP_RATIO);
        int ffnSize = (int) (ratio * width);
        if (ffnSize < 1) {
            throw json.error("mlp_ratio", ratio, "a number that gives a feed-forward network of width 1 or more");
        }
        return new SanaTransformerConfig(
                heads,
                headDim,
                FlowConfig.heads(json, "num_cross_attention_heads", crossHeadDim),
                crossHeadDim,
                ffnSize,
                json.integer("num_layers", 1, FlowConfig.MAX_LAYERS),
                FlowConfig.channels(json),
                json.integer("caption_channels", 1, FlowConfig.MAX_WIDTH),
                (float) json.numberOr("norm_eps", 1e-6, 0, 1),
                FlowConfig.maxPositions(json));
    }

    /** {@return the width D of the residual stream} */
    public int width() {
        return heads * headDim;
    }

    /** {@return the width of the cross-attention} */
    public int crossWidth() {
        return crossHeads * crossHeadDim;
    }

    /** {@return the number of values of a token's patch} */
    public int patchWidth() {
        return channels * FlowTransformer.PATCH.cells();
    }
}
