package io.lingen.diffusion.internal.transformer;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.internal.SafeText;
import java.util.Arrays;

/**
 * Fields that the configurations of flow transformers share, as diffusers writes them. Every method throws a {@link CheckpointException} if
 * the field is missing, out of range, or has a value that is not implemented.
 */
public final class FlowConfig {
    /** The largest width D. */
    public static final int MAX_WIDTH = 1 << 16;

    /** The largest number of blocks. */
    public static final int MAX_LAYERS = 1024;

    private static final int MAX_HEADS = 1024;
    private static final int MAX_CHANNELS = 1024;
    private static final int LEAST_ROTATED = 6;

    private FlowConfig() {}

    /**
     * Checks the class, the size of a patch, and the norm of queries and keys.
     *
     * @param json the configuration
     * @param className the expected class, if there is a name
     */
    public static void require(ConfigReader json, String className) {
        requireText(json, "_class_name", className);
        int[] expected = {FlowTransformer.PATCH.t(), FlowTransformer.PATCH.h(), FlowTransformer.PATCH.w()};
        int[] patch = json.integers("patch_size", 3, 3, 1, 64);
        if (!Arrays.equals(patch, expected)) {
            throw json.error("patch_size", patch, Arrays.toString(expected));
        }
        requireText(json, "qk_norm", "rms_norm_across_heads");
    }

    private static void requireText(ConfigReader json, String field, String expected) {
        String found = json.textOr(field, expected);
        if (!found.equals(expected)) {
            throw json.error(field, '"' + SafeText.of(found) + '"', '"' + expected + '"');
        }
    }

    /**
     * {@return the width of an attention head with rotary positions}
     *
     * @param json the configuration
     */
    public static int headDim(ConfigReader json) {
        int headDim = json.integer("attention_head_dim", 2, 1024);
        if (headDim % 2 != 0 || headDim < LEAST_ROTATED) {
            throw json.error("attention_head_dim", headDim, "an even number from " + LEAST_ROTATED + " on");
        }
        return headDim;
    }

    /**
     * {@return a number of attention heads}
     *
     * @param json the configuration
     * @param field the name of the field
     * @param headDim the width of a head
     */
    public static int heads(ConfigReader json, String field, int headDim) {
        int heads = json.integer(field, 1, MAX_HEADS);
        if ((long) heads * headDim > MAX_WIDTH) {
            throw json.error(field, heads, "a width of all heads of " + headDim + " up to " + MAX_WIDTH);
        }
        return heads;
    }

    /**
     * {@return the number of channels of a latent, which the output has as well}
     *
     * @param json the configuration
     */
    public static int channels(ConfigReader json) {
        int channels = json.integer("in_channels", 1, MAX_CHANNELS);
        int out = json.integerOr("out_channels", channels, 1, 2 * MAX_CHANNELS);
        if (out != channels) {
            throw json.error("out_channels", out, channels + ", as in_channels");
        }
        return channels;
    }

    /**
     * {@return the largest number of tokens on an axis}
     *
     * @param json the configuration
     */
    public static int maxPositions(ConfigReader json) {
        return json.integerOr("rope_max_seq_len", 1024, 1, 1 << 20);
    }
}
