package io.lingen.vae;

import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;

/**
 * The configuration of an autoencoder, as in vae/config.json (docs/checkpoint-format.md). Immutable.
 *
 * @param layout the names and the temporal parts of the layers
 * @param latentChannels the number of channels of a latent
 * @param outChannels the number of channels of a frame: 3, RGB
 * @param widths the number of channels of each level, in the decoder's order: latent resolution first, pixels last
 * @param upsample the (t, h, w) factor after each level but the last
 * @param patch the pixels that the last convolution emits per cell
 * @param layersPerLevel the number of residual blocks of a level
 * @param midLayers the number of residual blocks at latent resolution, before the levels of the decoder and after those of the encoder
 * @param attention whether attention follows the first residual block at latent resolution
 * @param attentionHeads the number of heads of that attention
 * @param normGroups the number of groups of every group norm
 * @param normEpsilon the number added to every variance
 * @param latentMean the mean of each channel, added before decoding
 * @param latentStd the standard deviation of each channel, a factor before decoding
 * @param tiling the tiles along time
 * @param encoder the sizes of the encoder; equal to those of the decoder if the encoder is its mirror image
 */
public record AutoencoderConfig(
        DecoderLayout layout,
        int latentChannels,
        int outChannels,
        List<Integer> widths,
        List<Dims3> upsample,
        PatchSize patch,
        int layersPerLevel,
        int midLayers,
        boolean attention,
        int attentionHeads,
        int normGroups,
        float normEpsilon,
        List<Double> latentMean,
        List<Double> latentStd,
        TemporalTiling tiling,
        Sizes encoder) {
    private static final int MAX_CHANNELS = 1024;
    private static final int MAX_WIDTH = 8192;
    private static final int MAX_LEVELS = 8;
    private static final int MAX_FACTOR = 16;
    private static final int MAX_LAYERS = 64;
    private static final int MAX_TILE = 4096;
    /** The largest product of all factors on one axis: no published autoencoder compresses by more than 64. */
    private static final long MAX_COMPRESSION = 256;

    /**
     * Checks all sizes and copies the lists.
     *
     * @throws IllegalArgumentException with the field, the value found and the rule
     */
    public AutoencoderConfig {
        widths = List.copyOf(widths);
        upsample = List.copyOf(upsample);
        latentMean = List.copyOf(latentMean);
        latentStd = List.copyOf(latentStd);
        require(latentChannels >= 1 && latentChannels <= MAX_CHANNELS, "latent_channels", latentChannels, "1 to 1024");
        require(outChannels == 3, "out_channels", outChannels, "3: frames are RGB");
        require(!widths.isEmpty() && widths.size() <= MAX_LEVELS, "widths", widths, "1 to 8 widths");
        require(upsample.size() == widths.size() - 1, "upsample", upsample, widths.size() - 1 + " factors (t, h, w)");
        require(normGroups >= 1, "norm_groups", normGroups, "at least 1");
        new Sizes(widths, layersPerLevel, midLayers).check("", upsample.size(), attention, attentionHeads, normGroups);
        encoder.check("encoder.", upsample.size(), attention, attentionHeads, normGroups);
        require(normEpsilon > 0 && normEpsilon < 1, "norm_eps", normEpsilon, "above 0, below 1");
        require(latentMean.size() == latentChannels, "latent_mean", latentMean, latentChannels + " numbers");
        require(latentStd.size() == latentChannels, "latent_std", latentStd, latentChannels + " numbers");
        for (int axis = 0; axis < 3; axis++) {
            long factor = compression(upsample, patch, axis);
            require(factor <= MAX_COMPRESSION, "upsample", factor + " on one axis", "at most 256, patch_size included");
        }
        for (double std : latentStd) {
            require(std > 0 && std <= Float.MAX_VALUE, "latent_std", std, "finite numbers above 0");
        }
        for (double mean : latentMean) {
            require(Math.abs(mean) <= Float.MAX_VALUE, "latent_mean", mean, "finite numbers");
        }
    }

    /**
     * The sizes in which the encoder may differ from the decoder.
     *
     * @param widths the number of channels of each level, in the decoder's order
     * @param layersPerLevel the number of residual blocks of a level
     * @param midLayers the number of residual blocks at latent resolution
     */
    public record Sizes(List<Integer> widths, int layersPerLevel, int midLayers) {
        /** Copies the widths. */
        public Sizes {
            widths = List.copyOf(widths);
        }

        private static Sizes read(ConfigReader reader) {
            return new Sizes(
                    boxed(reader.integers("widths", 1, MAX_LEVELS, 1, MAX_WIDTH)),
                    reader.integer("layers_per_level", 1, MAX_LAYERS),
                    reader.integer("mid_layers", 0, MAX_LAYERS));
        }

        private void check(String under, int factors, boolean attention, int attentionHeads, int normGroups) {
            require(
                    widths.size() == factors + 1,
                    under + "widths",
                    widths,
                    factors + 1 + " widths, one more than upsample has factors");
            require(
                    layersPerLevel >= 1 && layersPerLevel <= MAX_LAYERS,
                    under + "layers_per_level",
                    layersPerLevel,
                    "1 to 64");
            require(midLayers >= 0 && midLayers <= MAX_LAYERS, under + "mid_layers", midLayers, "0 to 64");
            require(!attention || midLayers > 0, under + "mid_layers", midLayers, "at least 1 with attention");
            for (int width : widths) {
                require(
                        width >= 1 && width <= MAX_WIDTH && width % normGroups == 0,
                        under + "widths",
                        width,
                        "1 to 8192 and a multiple of norm_groups = " + normGroups);
            }
            require(
                    attentionHeads >= 1 && widths.get(0) % attentionHeads == 0,
                    "attention_heads",
                    attentionHeads,
                    "a divisor of the first width, " + widths.get(0));
        }
    }

    /**
     * Reads vae/config.json.
     *
     * @param reader the file
     * @return the configuration
     * @throws io.lingen.core.checkpoint.CheckpointException if a field is missing, unknown or invalid
     */
    public static AutoencoderConfig read(ConfigReader reader) {
        if (reader.has("decoder")) {
            return readPublished(reader);
        }
        int latentChannels = reader.integer("latent_channels", 1, MAX_CHANNELS);
        Sizes decoder = Sizes.read(reader);
        ConfigReader own = reader.objectOrNull("encoder");
        Sizes encoder = decoder;
        if (own != null) {
            encoder = Sizes.read(own);
            own.end();
        }
        AutoencoderConfig config;
        try {
            config = new AutoencoderConfig(
                    DecoderLayout.INFLATED,
                    latentChannels,
                    reader.integer("out_channels", 3, 3),
                    decoder.widths(),
                    factors(reader),
                    patch(reader.integers("patch_size", 3, 3, 1, MAX_FACTOR)),
                    decoder.layersPerLevel(),
                    decoder.midLayers(),
                    reader.flag("attention"),
                    reader.integer("attention_heads", 1, MAX_WIDTH),
                    reader.integer("norm_groups", 1, MAX_WIDTH),
                    (float) reader.numberOr("norm_eps", 1e-6, 0, 1),
                    boxed(reader.numbers("latent_mean", latentChannels)),
                    boxed(reader.numbers("latent_std", latentChannels)),
                    tiling(reader.object("tile")),
                    encoder);
        } catch (IllegalArgumentException e) {
            throw reader.invalid(e);
        }
        reader.end();
        return config;
    }

    /** Reads the configuration of one of Stable Diffusion's decoders, whose sizes are those of the encoder, which is not loaded. */
    private static AutoencoderConfig readPublished(ConfigReader reader) {
        DecoderLayout layout = reader.choice("decoder", DecoderLayout.class);
        if (layout == DecoderLayout.INFLATED) {
            throw reader.error("decoder", "\"inflated\"", "\"sd\", \"sd_temporal\", or no such field");
        }
        int channels = reader.integer("latent_channels", 1, MAX_CHANNELS);
        int layers = reader.integer("layers_per_block", 1, MAX_LAYERS - 1);
        int[] ascending = reader.integers("block_out_channels", 1, MAX_LEVELS, 1, MAX_WIDTH);
        List<Integer> widths = new ArrayList<>(boxed(ascending));
        Collections.reverse(widths);
        // The published temporal decoder has layers_per_block blocks in the middle, but runs at most two of them.
        int middle = layout == DecoderLayout.SD ? 2 : Math.min(layers, 2);
        double scale = reader.number("scaling_factor", 1e-6, 1e6);
        int chunk = layout == DecoderLayout.SD ? 1 : reader.integerOr("chunk_frames", 14, 1, MAX_TILE);
        AutoencoderConfig config;
        try {
            config = new AutoencoderConfig(
                    layout,
                    channels,
                    reader.integer("out_channels", 3, 3),
                    widths,
                    Collections.nCopies(widths.size() - 1, new Dims3(1, 2, 2)),
                    PatchSize.ONE,
                    layers + 1,
                    middle,
                    middle > 1,
                    1,
                    reader.integer("norm_groups", 1, MAX_WIDTH),
                    1e-6f,
                    Collections.nCopies(channels, 0.0),
                    Collections.nCopies(channels, 1 / scale),
                    new TemporalTiling(chunk, 0, 0),
                    new Sizes(widths, layers + 1, middle));
        } catch (IllegalArgumentException e) {
            throw reader.invalid(e);
        }
        reader.end();
        return config;
    }

    /** {@return the prefixes of tensors that the decoder does not use} */
    List<String> unused() {
        List<String> unused = new ArrayList<>(List.of("encoder"));
        if (layout != DecoderLayout.INFLATED) {
            unused.add("quant_conv");
        }
        if (layout == DecoderLayout.SD_TEMPORAL) {
            if (!attention) {
                unused.add("decoder." + layout.middle() + "." + layout.attention());
            }
            for (int j = midLayers; j < layersPerLevel - 1; j++) {
                unused.add("decoder." + layout.middle() + "." + layout.residual(j));
            }
        }
        return unused;
    }

    /** {@return the configuration that the encoder is built from: this one with the sizes of the encoder} */
    AutoencoderConfig ofEncoder() {
        return new AutoencoderConfig(
                layout,
                latentChannels,
                outChannels,
                encoder.widths(),
                upsample,
                patch,
                encoder.layersPerLevel(),
                encoder.midLayers(),
                attention,
                attentionHeads,
                normGroups,
                normEpsilon,
                latentMean,
                latentStd,
                tiling,
                encoder);
    }

    /** {@return the number of frames, rows and columns per latent cell} */
    public Dims3 compression() {
        return new Dims3((int) compression(upsample, patch, 0), (int) compression(upsample, patch, 1), (int)
                compression(upsample, patch, 2));
    }

    /**
     * {@return the number of frames, rows and columns of the decoded video}
     *
     * @param latent the latent frames, rows and columns
     */
    public Grid framesOf(Grid latent) {
        Dims3 cell = compression();
        return new Grid(
                Math.multiplyExact(latent.t(), cell.t()),
                Math.multiplyExact(latent.h(), cell.h()),
                Math.multiplyExact(latent.w(), cell.w()));
    }

    /**
     * {@return the largest distance, in latent frames, of a latent frame that a decoded frame depends on} Empty with attention, whose
     * temporal part covers the whole tile.
     */
    public OptionalInt receptiveRadius() {
        if (attention) {
            return OptionalInt.empty();
        }
        // From the last layer to the first: a temporal convolution adds one step at its frame rate, an upsampling
        // divides the radius.
        int radius = 1;
        for (int level = widths.size() - 1; level >= 0; level--) {
            if (level < upsample.size()) {
                radius = Math.ceilDiv(radius + 1, upsample.get(level).t());
            }
            radius += 2 * layersPerLevel;
        }
        return OptionalInt.of(radius + 2 * midLayers + 1);
    }

    private static long compression(List<Dims3> upsample, PatchSize patch, int axis) {
        long product = axis == 0 ? patch.t() : axis == 1 ? patch.h() : patch.w();
        for (Dims3 factor : upsample) {
            product *= factor.length(axis);
        }
        return product;
    }

    private static List<Dims3> factors(ConfigReader reader) {
        List<Dims3> factors = new ArrayList<>();
        for (int[] factor : reader.integerRows("upsample", 0, MAX_LEVELS - 1, 3, 1, MAX_FACTOR)) {
            factors.add(new Dims3(factor[0], factor[1], factor[2]));
        }
        return factors;
    }

    private static PatchSize patch(int[] lengths) {
        return new PatchSize(lengths[0], lengths[1], lengths[2]);
    }

    private static TemporalTiling tiling(ConfigReader reader) {
        int latentFrames = reader.integer("latent_frames", 1, MAX_TILE);
        int overlap = reader.integer("overlap", 0, MAX_TILE);
        int margin = reader.integer("margin", 0, MAX_TILE);
        reader.end();
        try {
            return new TemporalTiling(latentFrames, overlap, margin);
        } catch (IllegalArgumentException e) {
            throw reader.invalid(e);
        }
    }

    private static List<Integer> boxed(int[] values) {
        return Arrays.stream(values).boxed().toList();
    }

    private static List<Double> boxed(double[] values) {
        return Arrays.stream(values).boxed().toList();
    }

    private static void require(boolean condition, String field, Object found, String expected) {
        if (!condition) {
            throw new IllegalArgumentException(field + ": found " + found + ", expected " + expected);
        }
    }
}
