package io.lingen.diffusion.internal.latte;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.PatchSize;
import java.util.ArrayList;
import java.util.List;

/**
 * The configuration of a Latte transformer, as in transformer/config.json (docs/checkpoint-format.md). Immutable.
 *
 * @param condition the kind of condition, which also selects the names of the tensors
 * @param variant the order of attention in space and time, 1 to 4
 * @param inChannels the number of channels of the latent
 * @param patch the rows and columns of latent cells per token
 * @param hiddenSize d
 * @param depth the number of blocks of either kind
 * @param heads the number of heads of all attentions, a divisor of hiddenSize
 * @param ffnSize the inner width of the feed-forward
 * @param frames the number of frames of a clip
 * @param latentRows the rows of the latents of the training
 * @param latentColumns the columns of the latents of the training
 * @param learnsVariance whether the output has a variance after the noise
 * @param classes the number of classes of {@link Condition#CLASS}, else 0
 * @param textWidth the width of the text embeddings of {@link Condition#TEXT}, else 0
 */
public record LatteConfig(
        Condition condition,
        int variant,
        int inChannels,
        int patch,
        int hiddenSize,
        int depth,
        int heads,
        int ffnSize,
        int frames,
        int latentRows,
        int latentColumns,
        boolean learnsVariance,
        int classes,
        int textWidth) {
    /** The value of the field {@code architecture}. */
    public static final String ARCHITECTURE = "latte";

    private static final int MAX_WIDTH = 1 << 16;

    /** The kinds of condition. */
    public enum Condition {
        /** No condition. */
        NONE,
        /** A class label. */
        CLASS,
        /** Text. */
        TEXT
    }

    /** The axes that an attention mixes tokens along. */
    enum Axis {
        /** The tokens of one frame. */
        SPACE,
        /** The tokens of one place. */
        TIME
    }

    /**
     * A block.
     *
     * @param name the prefix of its tensors and the name of its tap
     * @param attentions the attentions, one after the other; an attention of two axes divides its heads between them
     * @param attendsToText whether it has cross-attention
     * @param addsFrames whether it adds the position of the frames before its attention in time
     */
    record Block(String name, List<List<Axis>> attentions, boolean attendsToText, boolean addsFrames) {}

    /**
     * Reads the configuration of a transformer.
     *
     * @param reader the file
     * @return the configuration
     * @throws CheckpointException with the field, the value found and the rule
     */
    public static LatteConfig read(ConfigReader reader) {
        if (!reader.text("architecture").equals(ARCHITECTURE)) {
            throw reader.error("architecture", '"' + reader.text("architecture") + '"', '"' + ARCHITECTURE + '"');
        }
        Condition condition = reader.choice("condition", Condition.class);
        int variant = reader.integerOr("variant", 1, 1, 4);
        int hiddenSize = reader.integer("hidden_size", 4, MAX_WIDTH);
        int heads = reader.integer("num_heads", 1, 1024);
        if (hiddenSize % 4 != 0) {
            throw reader.error("hidden_size", hiddenSize, "a multiple of 4: sines and cosines of rows and columns");
        }
        if (hiddenSize % heads != 0) {
            throw reader.error("num_heads", heads, "a divisor of hidden_size = " + hiddenSize);
        }
        if (variant == 4 && heads % 2 != 0) {
            throw reader.error("num_heads", heads, "an even number: variant 4 divides the heads into two halves");
        }
        int depth = reader.integer("depth", 1, 1024);
        if (variant <= 2 && depth % 2 != 0) {
            throw reader.error(
                    "depth", depth, "an even number: variant " + variant + " has as many blocks of each kind");
        }
        int[] patch = reader.integers("patch_size", 3, 3, 1, 64);
        if (patch[0] != 1 || patch[1] != patch[2]) {
            throw reader.error("patch_size", "[" + patch[0] + ", " + patch[1] + ", " + patch[2] + "]", "[1, p, p]");
        }
        int[] size = reader.integers("latent_size", 2, 2, 1, 4096);
        String sizeFound = "[" + size[0] + ", " + size[1] + "]";
        if (size[0] % patch[1] != 0 || size[1] % patch[1] != 0) {
            throw reader.error("latent_size", sizeFound, "multiples of the patch size " + patch[1]);
        }
        if (condition == Condition.TEXT && size[0] != size[1]) {
            throw reader.error("latent_size", sizeFound, "two equal lengths with the condition text");
        }
        LatteConfig config = new LatteConfig(
                condition,
                variant,
                reader.integer("in_channels", 1, 1024),
                patch[1],
                hiddenSize,
                depth,
                heads,
                ffnSize(reader, hiddenSize),
                reader.integer("frames", 1, 4096),
                size[0],
                size[1],
                reader.flag("learn_sigma"),
                condition == Condition.CLASS ? reader.integer("num_classes", 1, 1 << 20) : 0,
                condition == Condition.TEXT ? reader.integers("text_dims", 1, 1, 1, MAX_WIDTH)[0] : 0);
        reader.end();
        return config;
    }

    private static int ffnSize(ConfigReader reader, int hiddenSize) {
        double ratio = reader.number("ffn_ratio", 1e-3, 64);
        double size = ratio * hiddenSize;
        if (size != Math.rint(size)) {
            throw reader.error("ffn_ratio", ratio, "a number that makes ffn_ratio * hidden_size whole");
        }
        return (int) size;
    }

    /** {@return the latent cells per token} */
    public PatchSize patchSize() {
        return new PatchSize(1, patch, patch);
    }

    /** {@return the number of channels of the output: the noise and, if it is learned, the variance} */
    public int outChannels() {
        return learnsVariance ? 2 * inChannels : inChannels;
    }

    /** {@return the largest grid of tokens: frames, rows and columns; text models accept other rows and columns} */
    public Dims3 grid() {
        return new Dims3(frames, latentRows / patch, latentColumns / patch);
    }

    /** {@return the blocks, in their order} */
    List<Block> blocks() {
        List<Block> blocks = new ArrayList<>();
        boolean text = condition == Condition.TEXT;
        int[] counts = new int[Axis.values().length];
        for (int layer = 0; layer < depth; layer++) {
            List<List<Axis>> attentions = attentions(layer);
            boolean mixesFrames = attentions.get(0).contains(Axis.SPACE);
            int index = text ? counts[mixesFrames ? 0 : 1]++ : layer;
            boolean isFirstInTime =
                    blocks.stream().noneMatch(block -> block.attentions().contains(List.of(Axis.TIME)))
                            && attentions.contains(List.of(Axis.TIME));
            String stack = !text ? "blocks." : mixesFrames ? "transformer_blocks." : "temporal_transformer_blocks.";
            blocks.add(new Block(stack + index, attentions, text && mixesFrames, isFirstInTime));
        }
        return blocks;
    }

    private List<List<Axis>> attentions(int layer) {
        List<List<Axis>> space = List.of(List.of(Axis.SPACE));
        List<List<Axis>> time = List.of(List.of(Axis.TIME));
        switch (variant) {
            case 1:
                return layer % 2 == 0 ? space : time;
            case 2:
                return layer < depth / 2 ? space : time;
            case 3:
                return List.of(List.of(Axis.SPACE), List.of(Axis.TIME));
            default:
                return List.of(List.of(Axis.SPACE, Axis.TIME));
        }
    }
}
