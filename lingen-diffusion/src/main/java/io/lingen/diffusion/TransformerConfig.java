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
 * A denoiser's configuration, as in transformer/config.json (docs/checkpoint-format.md). Immutable.
 *
 * @param architecture what mixes the tokens
 * @param inChannels channels of the latent
 * @param patchSize latent cells per token
 * @param hiddenSize d
 * @param depth the number of blocks
 * @param heads of all attentions; divides hiddenSize
 * @param ffnSize the feed-forward's inner width
 * @param textDims the width of each text encoder's embeddings
 * @param maxGrid the largest grid of tokens that the position tables know
 * @param position where the position embedding enters
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

    /** What mixes the tokens of a block. */
    public enum Architecture {
        /** MATE: linear cost. */
        LINGEN,
        /** Full self-attention, the baseline: quadratic cost. */
        DIT
    }

    /** Where the position embedding enters each block. */
    public enum Position {
        /** Added to the residual stream. */
        RESIDUAL,
        /** Added to the first norm's input only. */
        NORM
    }

    public TransformerConfig {
        textDims = List.copyOf(textDims);
        if ((mate != null) != (architecture == Architecture.LINGEN)) {
            throw new IllegalArgumentException(
                    "MATE belongs to the architecture lingen and to it alone, found " + architecture + " with " + mate);
        }
    }

    /**
     * Reads a transformer's configuration.
     *
     * @throws CheckpointException naming the field, what was found and what would do
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

    /** The width of an attention head. */
    public int headDim() {
        return hiddenSize / heads;
    }

    /** The width of a flattened patch. */
    public int patchWidth() {
        return inChannels * patchSize.cells();
    }
}
