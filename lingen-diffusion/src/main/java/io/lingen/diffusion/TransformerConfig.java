package io.lingen.diffusion;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import io.lingen.mate.MateConfig;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The configuration of a denoiser, as in transformer/config.json (docs/checkpoint-format.md). Immutable.
 *
 * @param architecture the token mixer
 * @param inChannels the number of channels of the latent
 * @param patchSize the latent cells per token
 * @param hiddenSize d
 * @param depth the number of blocks
 * @param heads the number of heads of all attentions, a divisor of hiddenSize
 * @param ffnSize the inner width of the feed-forward
 * @param textDims the width of each text encoder's embeddings
 * @param maxGrid the largest grid of tokens, limited by the position tables
 * @param position the place of the position embedding
 * @param mate the token mixer of {@link Architecture#LINGEN}, else null
 */
public record TransformerConfig(
        Architecture architecture,
        int inChannels,
        PatchSize patchSize,
        int hiddenSize,
        int depth,
        int heads,
        int ffnSize,
        List<Integer> textDims,
        Grid maxGrid,
        Position position,
        @Nullable MateConfig mate) {
    private static final int MAX_WIDTH = 1 << 16;

    /** The token mixers of the blocks. */
    public enum Architecture {
        /** MATE, of linear cost. */
        LINGEN,
        /** Full self-attention, the baseline, of quadratic cost. */
        DIT
    }

    /** The places where each block adds the position embedding. */
    public enum Position {
        /** To the residual stream. */
        RESIDUAL,
        /** To the input of the first norm only. */
        NORM
    }

    /**
     * Checks that MATE is given exactly for {@link Architecture#LINGEN}, and copies the text widths.
     *
     * @throws IllegalArgumentException otherwise
     */
    public TransformerConfig {
        textDims = List.copyOf(textDims);
        if ((mate != null) != (architecture == Architecture.LINGEN)) {
            throw new IllegalArgumentException("mate must be given for the architecture LINGEN and no other, found "
                    + architecture + " with " + mate);
        }
    }

    /**
     * Reads the configuration of a transformer.
     *
     * @param reader the file
     * @return the configuration
     * @throws CheckpointException with the field, the value found and the rule
     */
    public static TransformerConfig read(ConfigReader reader) {
        Architecture architecture = reader.choice("architecture", Architecture.class);
        int hiddenSize = reader.integer("hidden_size", 1, MAX_WIDTH);
        int heads = reader.integer("num_heads", 1, 1024);
        if (hiddenSize % heads != 0) {
            throw reader.error("num_heads", heads, "a divisor of hidden_size = " + hiddenSize);
        }
        double ratio = reader.number("ffn_ratio", 1e-3, 64);
        double ffnSize = ratio * hiddenSize;
        if (ffnSize != Math.rint(ffnSize)) {
            throw reader.error("ffn_ratio", ratio, "a number that makes ffn_ratio * hidden_size whole");
        }
        int[] patch = reader.integers("patch_size", 3, 3, 1, 64);
        int[] max = reader.integers("max_grid", 3, 3, 1, MAX_WIDTH);
        MateConfig mate = null;
        if (architecture == Architecture.LINGEN) {
            mate = MateConfig.read(reader, hiddenSize, heads);
        } else {
            MateConfig.ignore(reader);
        }
        TransformerConfig config = new TransformerConfig(
                architecture,
                reader.integer("in_channels", 1, 4096),
                new PatchSize(patch[0], patch[1], patch[2]),
                hiddenSize,
                reader.integer("depth", 1, 1024),
                heads,
                (int) ffnSize,
                Arrays.stream(reader.integers("text_dims", 1, 16, 1, MAX_WIDTH))
                        .boxed()
                        .toList(),
                new Grid(max[0], max[1], max[2]),
                reader.choiceOr("position", Position.class, Position.RESIDUAL),
                mate);
        reader.end();
        return config;
    }

    /** {@return the width of an attention head} */
    public int headDim() {
        return hiddenSize / heads;
    }

    /** {@return the width of a flattened patch} */
    public int patchWidth() {
        return inChannels * patchSize.cells();
    }
}
