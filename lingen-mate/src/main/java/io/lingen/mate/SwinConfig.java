package io.lingen.mate;

import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.op.Dims3;

/**
 * The window attention of the TE-branch (specification, section 4).
 *
 * @param window the lengths of a window in tokens
 * @param innerDim the width of the queries, keys and values of all heads together
 * @param qkNorm whether queries and keys are RMS-normalized per head
 * @param positionBias whether a learned bias per relative position is added to the scores
 */
public record SwinConfig(Dims3 window, int innerDim, boolean qkNorm, boolean positionBias) {
    /**
     * Reads the object {@code tesa} of a transformer's configuration.
     *
     * @param reader the object
     * @param hiddenSize d, the default of {@code inner_dim}
     * @param heads the number of attention heads, a divisor of {@code inner_dim}
     * @return the configuration
     * @throws io.lingen.core.checkpoint.CheckpointException if a field is missing, unknown or invalid
     */
    public static SwinConfig read(ConfigReader reader, int hiddenSize, int heads) {
        int[] window = reader.integers("window", 3, 3, 1, 1024);
        SwinConfig config = new SwinConfig(
                new Dims3(window[0], window[1], window[2]),
                reader.integerOr("inner_dim", hiddenSize, 1, 1 << 16),
                reader.flagOr("qk_norm", false),
                reader.flagOr("position_bias", false));
        if (config.innerDim % heads != 0) {
            throw reader.error("inner_dim", config.innerDim, "a multiple of num_heads = " + heads);
        }
        reader.end();
        return config;
    }
}
