package io.lingen.wan.internal.transformer;

import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.diffusion.internal.transformer.FlowConfig;
import io.lingen.diffusion.internal.transformer.FlowTransformer;

/**
 * The configuration of a {@link WanTransformer}, as diffusers writes it.
 *
 * @param heads the number of attention heads
 * @param headDim the width of a head
 * @param ffnSize the width of the feed-forward network
 * @param layers the number of blocks
 * @param channels the channels of a latent
 * @param textWidth the width of the text encoder's rows
 * @param timeWidth the width of the time sinusoid
 * @param epsilon of all norms
 * @param maxPositions the largest number of tokens on an axis
 */
public record WanTransformerConfig(
        int heads,
        int headDim,
        int ffnSize,
        int layers,
        int channels,
        int textWidth,
        int timeWidth,
        float epsilon,
        int maxPositions) {
    /**
     * Reads {@code transformer/config.json}. Unknown fields are ignored, since diffusers writes many that change nothing.
     *
     * @param json the configuration
     * @return the checked configuration
     * @throws io.lingen.core.checkpoint.CheckpointException if a field is missing or out of range, or has a value that is not implemented
     */
    public static WanTransformerConfig read(ConfigReader json) {
        FlowConfig.require(json, "WanTransformer3DModel");
        for (String field : new String[] {"added_kv_proj_dim", "image_dim", "pos_embed_seq_len"}) {
            if (json.has(field)) {
                throw json.error(field, "a value", "null: image-to-video models are not implemented");
            }
        }
        if (!json.flagOr("cross_attn_norm", true)) {
            throw json.error("cross_attn_norm", false, "true");
        }
        int timeWidth = json.integerOr("freq_dim", 256, 2, FlowConfig.MAX_WIDTH);
        if (timeWidth % 2 != 0) {
            throw json.error("freq_dim", timeWidth, "an even number");
        }
        int headDim = FlowConfig.headDim(json);
        return new WanTransformerConfig(
                FlowConfig.heads(json, "num_attention_heads", headDim),
                headDim,
                json.integer("ffn_dim", 1, 1 << 20),
                json.integer("num_layers", 1, FlowConfig.MAX_LAYERS),
                FlowConfig.channels(json),
                json.integer("text_dim", 1, FlowConfig.MAX_WIDTH),
                timeWidth,
                (float) json.numberOr("eps", 1e-6, 0, 1),
                FlowConfig.maxPositions(json));
    }

    /** {@return the width D of the residual stream} */
    public int width() {
        return heads * headDim;
    }

    /** {@return the number of values of a token's patch} */
    public int patchWidth() {
        return channels * FlowTransformer.PATCH.cells();
    }
}
