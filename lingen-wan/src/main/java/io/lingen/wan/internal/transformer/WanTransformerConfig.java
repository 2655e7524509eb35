package io.lingen.wan.internal.transformer;

import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.op.PatchSize;
import java.util.Arrays;

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
    /** The size of a token's patch, the same for all published models. */
    public static final PatchSize PATCH = new PatchSize(1, 2, 2);

    private static final String CLASS = "WanTransformer3DModel";
    private static final String RMS_NORM = "rms_norm_across_heads";
    private static final int MAX_WIDTH = 1 << 16;

    /**
     * Reads {@code transformer/config.json}. Unknown fields are ignored, since diffusers writes many that change nothing.
     *
     * @param json the configuration
     * @return the checked configuration
     * @throws io.lingen.core.checkpoint.CheckpointException if a field is missing or out of range, or has a value that is not implemented
     */
    public static WanTransformerConfig read(ConfigReader json) {
        String name = json.textOr("_class_name", CLASS);
        if (!name.equals(CLASS)) {
            throw json.error("_class_name", name, '"' + CLASS + '"');
        }
        for (String field : new String[] {"added_kv_proj_dim", "image_dim", "pos_embed_seq_len"}) {
            if (json.has(field)) {
                throw json.error(field, "a value", "null: image-to-video models are not implemented");
            }
        }
        String norm = json.textOr("qk_norm", RMS_NORM);
        if (!norm.equals(RMS_NORM)) {
            throw json.error("qk_norm", '"' + norm + '"', '"' + RMS_NORM + '"');
        }
        if (!json.flagOr("cross_attn_norm", true)) {
            throw json.error("cross_attn_norm", false, "true");
        }
        int[] patch = json.integers("patch_size", 3, 3, 1, 64);
        if (!Arrays.equals(patch, new int[] {PATCH.t(), PATCH.h(), PATCH.w()})) {
            throw json.error("patch_size", patch, "[1, 2, 2]");
        }
        int channels = json.integer("in_channels", 1, 1024);
        int out = json.integerOr("out_channels", channels, 1, 1024);
        if (out != channels) {
            throw json.error("out_channels", out, channels + ", as in_channels");
        }
        int timeWidth = json.integerOr("freq_dim", 256, 2, MAX_WIDTH);
        if (timeWidth % 2 != 0) {
            throw json.error("freq_dim", timeWidth, "an even number");
        }
        int headDim = json.integer("attention_head_dim", 2, 1024);
        if (headDim % 2 != 0 || headDim < 6) {
            throw json.error("attention_head_dim", headDim, "an even number from 6 on");
        }
        int heads = json.integer("num_attention_heads", 1, 1024);
        if ((long) heads * headDim > MAX_WIDTH) {
            throw json.error("num_attention_heads", heads, "a width heads * attention_head_dim up to " + MAX_WIDTH);
        }
        return new WanTransformerConfig(
                heads,
                headDim,
                json.integer("ffn_dim", 1, 1 << 20),
                json.integer("num_layers", 1, 1024),
                channels,
                json.integer("text_dim", 1, MAX_WIDTH),
                timeWidth,
                (float) json.numberOr("eps", 1e-6, 0, 1),
                json.integerOr("rope_max_seq_len", 1024, 1, 1 << 20));
    }

    /** {@return the width D of the residual stream} */
    public int width() {
        return heads * headDim;
    }

    /** {@return the number of values of a token's patch} */
    public int patchWidth() {
        return channels * PATCH.cells();
    }
}
