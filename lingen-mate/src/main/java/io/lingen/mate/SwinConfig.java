package io.lingen.mate;

import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.op.Grid;

/**
 * The TE-branch's window attention (specification, section 4).
 *
 * @param window the window's lengths in tokens
 * @param innerDim the width of queries, keys and values, all heads together
 * @param qkNorm whether queries and keys are RMS-normalised per head
 * @param positionBias whether a learned bias per relative position is added to the scores
 */
public record SwinConfig(Grid window, int innerDim, boolean qkNorm, boolean positionBias) {
    /** Reads the object {@code tesa} of a transformer's configuration. */
    public static SwinConfig read(ConfigReader reader, int hiddenSize, int heads) {
        int[] window = reader.integers("window", 3, 3, 1, 1024);
        SwinConfig config = new SwinConfig(
                new Grid(window[0], window[1], window[2]),
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
