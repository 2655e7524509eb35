package io.lingen.wan.internal.vae;

import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The configuration of a Wan autoencoder, as in the file vae/config.json of its publishers. Immutable.
 *
 * @param latentChannels the number of channels of a latent
 * @param encoderWidth the base width of the encoder
 * @param decoderWidth the base width of the decoder
 * @param multipliers the width of each stage as a multiple of the base width, in the encoder's order: pixels first, latent resolution last
 * @param residualBlocks the number of residual blocks of an encoder stage; a decoder stage has one more
 * @param halvesTime whether each stage but the last halves the number of frames, in the encoder's order; each of them halves height and
 *     width
 * @param residual whether a shortcut without weights leads around every stage, as in Wan 2.2
 * @param patch the height and width of the square of pixels that is one cell of the first layer
 * @param latentMean the mean of each latent channel
 * @param latentStd the standard deviation of each latent channel
 */
public record WanVaeConfig(
        int latentChannels,
        int encoderWidth,
        int decoderWidth,
        List<Integer> multipliers,
        int residualBlocks,
        List<Boolean> halvesTime,
        boolean residual,
        int patch,
        List<Double> latentMean,
        List<Double> latentStd) {
    private static final int COLOURS = 3;
    private static final int MAX_CHANNELS = 1024;
    private static final int MAX_WIDTH = 8192;
    private static final int MAX_STAGES = 7;
    private static final int MAX_BLOCKS = 64;
    private static final int MAX_PATCH = 16;

    /** The statistics of the latents of Wan 2.1, which its configuration file may omit. */
    private static final List<Double> WAN21_MEAN = List.of(
            -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508, 0.4134, -0.0715, 0.5517, -0.3632,
            -0.1922, -0.9497, 0.2503, -0.2921);

    private static final List<Double> WAN21_STD = List.of(
            2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687, 2.1526, 2.8652, 1.5579, 1.6382,
            1.1253, 2.8251, 1.9160);

    /**
     * Checks all sizes and copies the lists.
     *
     * @throws IllegalArgumentException with the field of the file, the value found and the rule
     */
    public WanVaeConfig {
        multipliers = List.copyOf(multipliers);
        halvesTime = List.copyOf(halvesTime);
        latentMean = List.copyOf(latentMean);
        latentStd = List.copyOf(latentStd);
        require(latentChannels >= 1 && latentChannels <= MAX_CHANNELS, "z_dim", latentChannels, "1 to 1024");
        require(
                !multipliers.isEmpty() && multipliers.size() <= MAX_STAGES,
                "dim_mult",
                multipliers,
                "1 to 7 positive integers");
        require(
                halvesTime.size() == multipliers.size() - 1,
                "temperal_downsample",
                halvesTime,
                multipliers.size() - 1 + " flags, one fewer than dim_mult has entries");
        requireWidths("base_dim", encoderWidth, multipliers);
        requireWidths("decoder_base_dim", decoderWidth, multipliers);
        require(residualBlocks >= 1 && residualBlocks <= MAX_BLOCKS, "num_res_blocks", residualBlocks, "1 to 64");
        require(patch >= 1 && patch <= MAX_PATCH, "patch_size", patch, "1 to 16");
        require(latentMean.size() == latentChannels, "latents_mean", latentMean, latentChannels + " numbers");
        require(latentStd.size() == latentChannels, "latents_std", latentStd, latentChannels + " numbers");
        for (double std : latentStd) {
            require(std > 0 && std <= Float.MAX_VALUE, "latents_std", std, "finite numbers above 0");
        }
        for (double mean : latentMean) {
            require(Math.abs(mean) <= Float.MAX_VALUE, "latents_mean", mean, "finite numbers");
        }
        if (residual) {
            requireShortcuts(encoderStages(multipliers, halvesTime, encoderWidth), multipliers);
            // No shortcut leads around the last stage of the decoder.
            requireShortcuts(
                    decoderStages(multipliers, halvesTime, decoderWidth, true).subList(0, halvesTime.size()),
                    multipliers);
        } else {
            for (int i = 1; i < multipliers.size(); i++) {
                int width = decoderWidth * multipliers.get(i);
                require(width % 2 == 0, "decoder_base_dim", decoderWidth, "even widths, since upsampling halves them");
            }
        }
    }

    /**
     * A stage of the encoder or decoder: residual blocks and a change of resolution.
     *
     * @param in the width before the first residual block
     * @param out the width of the residual blocks
     * @param factor the (t, h, w) factor by which an encoder stage divides and a decoder stage multiplies the resolution, each 1 or 2
     */
    record Stage(int in, int out, Dims3 factor) {
        /** {@return whether the stage changes height and width} */
        boolean changesSpace() {
            return factor.h() > 1;
        }

        /** {@return whether the stage changes the number of frames} */
        boolean changesTime() {
            return factor.t() > 1;
        }

        /**
         * {@return the part of the factor that the shortcut converts to or from channels} It is the leading part in the order (t, h, w). It
         * has as many cells as one width is a multiple of the other.
         *
         * @throws IllegalArgumentException if there is no such part
         */
        Dims3 shuffled() {
            int wide = Math.max(in, out);
            int ratio = wide / Math.min(in, out);
            int t = Math.min(factor.t(), ratio);
            int h = Math.min(factor.h(), ratio / t);
            int w = Math.min(factor.w(), ratio / t / h);
            if (t * h * w * Math.min(in, out) != wide) {
                throw new IllegalArgumentException(
                        "widths of a stage with a shortcut must be equal or differ by a power"
                                + " of 2 up to the factor of the resolution, found " + in + " and " + out);
            }
            return new Dims3(t, h, w);
        }

        /** {@return the part of the factor that the shortcut repeats or averages} */
        Dims3 repeated() {
            Dims3 shuffled = shuffled();
            return new Dims3(factor.t() / shuffled.t(), factor.h() / shuffled.h(), factor.w() / shuffled.w());
        }
    }

    /** {@return the stages of the encoder, pixels first} */
    List<Stage> encoderStages() {
        return encoderStages(multipliers, halvesTime, encoderWidth);
    }

    private static List<Stage> encoderStages(List<Integer> multipliers, List<Boolean> halvesTime, int width) {
        List<Stage> stages = new ArrayList<>();
        int in = width;
        for (int i = 0; i < multipliers.size(); i++) {
            int out = width * multipliers.get(i);
            stages.add(new Stage(in, out, i < halvesTime.size() ? factor(halvesTime.get(i)) : factor()));
            in = out;
        }
        return stages;
    }

    /** {@return the stages of the decoder, latent resolution first} */
    List<Stage> decoderStages() {
        return decoderStages(multipliers, halvesTime, decoderWidth, residual);
    }

    private static List<Stage> decoderStages(
            List<Integer> multipliers, List<Boolean> halvesTime, int width, boolean residual) {
        List<Stage> stages = new ArrayList<>();
        int last = multipliers.size() - 1;
        int in = width * multipliers.get(last);
        for (int i = last; i >= 0; i--) {
            int out = width * multipliers.get(i);
            stages.add(new Stage(in, out, i > 0 ? factor(halvesTime.get(i - 1)) : factor()));
            in = residual ? out : out / 2;
        }
        return stages;
    }

    private static Dims3 factor(boolean time) {
        return new Dims3(time ? 2 : 1, 2, 2);
    }

    private static Dims3 factor() {
        return Dims3.ONE;
    }

    /** {@return the width of an upsampled decoder stage} */
    int upsampledWidth(Stage stage) {
        return residual ? stage.out() : stage.out() / 2;
    }

    /** {@return the number of channels of the encoder's input and the decoder's output} */
    int pixelChannels() {
        return COLOURS * patch * patch;
    }

    /** {@return the number of pixels per latent cell in height and in width} */
    public int spatialCompression() {
        return patch << halvesTime.size();
    }

    /** {@return the number of frames per latent frame; the first latent frame is one frame} */
    public int temporalCompression() {
        return 1 << halvesTime.stream().filter(halves -> halves).count();
    }

    /**
     * {@return the number of frames, rows and columns of the decoded video}
     *
     * @param latent the latent frames, rows and columns
     */
    public Grid framesOf(Grid latent) {
        return new Grid(
                Math.addExact(1, Math.multiplyExact(latent.t() - 1, temporalCompression())),
                Math.multiplyExact(latent.h(), spatialCompression()),
                Math.multiplyExact(latent.w(), spatialCompression()));
    }

    /**
     * Reads vae/config.json. Unknown fields are ignored.
     *
     * @param reader the file
     * @return the configuration
     * @throws io.lingen.core.checkpoint.CheckpointException if a field is missing or invalid, or has a value that is not implemented
     */
    public static WanVaeConfig read(ConfigReader reader) {
        if (reader.has("attn_scales")) {
            reader.numbers("attn_scales", 0);
        }
        int latentChannels = reader.integer("z_dim", 1, MAX_CHANNELS);
        int width = reader.integer("base_dim", 1, MAX_WIDTH);
        int[] multipliers = reader.integers("dim_mult", 1, MAX_STAGES, 1, MAX_WIDTH);
        WanVaeConfig config;
        try {
            config = new WanVaeConfig(
                    latentChannels,
                    width,
                    reader.integerOr("decoder_base_dim", width, 1, MAX_WIDTH),
                    Arrays.stream(multipliers).boxed().toList(),
                    reader.integer("num_res_blocks", 1, MAX_BLOCKS),
                    reader.flags("temperal_downsample", multipliers.length - 1),
                    reader.flagOr("is_residual", false),
                    reader.integerOr("patch_size", 1, 1, MAX_PATCH),
                    statistics(reader, "latents_mean", latentChannels, WAN21_MEAN),
                    statistics(reader, "latents_std", latentChannels, WAN21_STD));
        } catch (IllegalArgumentException e) {
            throw reader.invalid(e);
        }
        config.requireInFile(reader, "in_channels", config.pixelChannels());
        config.requireInFile(reader, "out_channels", config.pixelChannels());
        config.requireInFile(reader, "scale_factor_spatial", config.spatialCompression());
        config.requireInFile(reader, "scale_factor_temporal", config.temporalCompression());
        return config;
    }

    /** Checks that the file has a value that follows from other fields, or none. */
    private void requireInFile(ConfigReader reader, String field, int value) {
        int found = reader.integerOr(field, value, 0, Integer.MAX_VALUE);
        if (found != value) {
            throw reader.error(
                    field,
                    found,
                    value + ", which follows from patch_size = " + patch + " and" + " temperal_downsample = "
                            + halvesTime);
        }
    }

    private static List<Double> statistics(
            ConfigReader reader, String field, int latentChannels, List<Double> fallback) {
        if (!reader.has(field) && latentChannels == fallback.size()) {
            return fallback;
        }
        return Arrays.stream(reader.numbers(field, latentChannels)).boxed().toList();
    }

    private static void requireWidths(String field, int base, List<Integer> multipliers) {
        boolean fit = base >= 1 && base <= MAX_WIDTH;
        for (int multiplier : multipliers) {
            fit = fit && multiplier >= 1 && (long) base * multiplier <= MAX_WIDTH;
        }
        require(fit, field, base, "at least 1, with products of at most 8192 with each of dim_mult = " + multipliers);
    }

    private static void requireShortcuts(List<Stage> stages, List<Integer> multipliers) {
        for (Stage stage : stages) {
            try {
                stage.shuffled();
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("dim_mult: found " + multipliers + ": " + e.getMessage(), e);
            }
        }
    }

    private static void require(boolean condition, String field, Object found, String expected) {
        if (!condition) {
            throw new IllegalArgumentException(field + ": found " + found + ", expected " + expected);
        }
    }
}
