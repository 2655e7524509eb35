package io.lingen.bench.internal;

import io.lingen.core.Shape;
import io.lingen.core.op.Dims3;
import io.lingen.vae.AutoencoderConfig;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The size of a denoiser and of its clip. The blocks are those of the paper. The clip has 16 frames per second, and its latents are
 * compressed by 8x8x8.
 *
 * @param architecture "lingen" or "dit"
 * @param width the width of the clip in pixels, a multiple of 16
 * @param height the height of the clip in pixels, a multiple of 16
 * @param seconds the length of the clip, 1 to 3600
 * @param hiddenSize the hidden size, a multiple of 32
 * @param depth the number of blocks, at least 1
 */
public record Workload(String architecture, int width, int height, int seconds, int hiddenSize, int depth) {
    /** The width of the text embeddings. */
    static final int TEXT_WIDTH = 384;

    /** The number of tokens of a prompt. */
    static final int TEXT_TOKENS = 64;

    static final int CHANNELS = 16;
    static final int FFN_RATIO = 4;
    static final int STATE_SIZE = 128;
    static final int CONV_WIDTH = 4;
    static final int EXPAND = 2;
    static final int SCAN_HEAD = 64;

    /**
     * Checks the sizes.
     *
     * @throws IllegalArgumentException if a component is out of range
     */
    public Workload {
        if (!architecture.equals("lingen") && !architecture.equals("dit")) {
            throw new IllegalArgumentException("architecture must be lingen or dit, found '" + architecture + "'");
        }
        if (width < 16 || height < 16 || width % 16 != 0 || height % 16 != 0) {
            throw new IllegalArgumentException("size must be positive multiples of 16, found " + width + "x" + height);
        }
        if (seconds < 1 || seconds > 3600) {
            throw new IllegalArgumentException("seconds must be 1 to 3600, found " + seconds);
        }
        if (hiddenSize < 32 || hiddenSize % 32 != 0) {
            throw new IllegalArgumentException("hidden size must be a positive multiple of 32, found " + hiddenSize);
        }
        if (depth < 1) {
            throw new IllegalArgumentException("depth must be at least 1, found " + depth);
        }
    }

    /**
     * Creates a workload from the text of a size.
     *
     * @param architecture "lingen" or "dit"
     * @param size the size of the clip in pixels, for example "512x512"
     * @param seconds the length of the clip
     * @param hiddenSize the hidden size
     * @param depth the number of blocks
     * @return the workload
     * @throws IllegalArgumentException if the size is not of this form, or a value is out of range
     */
    public static Workload of(String architecture, String size, int seconds, int hiddenSize, int depth) {
        PixelSize pixels = PixelSize.parse(size);
        return new Workload(architecture, pixels.width(), pixels.height(), seconds, hiddenSize, depth);
    }

    /** Returns the title for tables. */
    String title() {
        return architecture + " " + width + "x" + height + " " + seconds + " s";
    }

    /** {@return the shape of the latent, [C, T, H, W]} */
    public Shape latent() {
        return Shape.of(CHANNELS, seconds * 16L / 8, height / 8, width / 8);
    }

    /** Returns the shape of the latent of a clip for a decoder, [C, T, H, W]. */
    static Shape latent(AutoencoderConfig decoder, String size, int seconds) {
        Workload clip = of("lingen", size, seconds, 32, 1);
        Dims3 cell = decoder.compression();
        if (clip.height % cell.h() != 0 || clip.width % cell.w() != 0) {
            throw new IllegalArgumentException(
                    "size must be multiples of " + cell.w() + "x" + cell.h() + " for this decoder, found " + size);
        }
        return Shape.of(
                decoder.latentChannels(), seconds * 16L / cell.t(), clip.height / cell.h(), clip.width / cell.w());
    }

    /** {@return the number of tokens of the clip, with patches of 1x2x2} */
    public long tokens() {
        Shape latent = latent();
        return latent.length(1) * latent.length(2) * latent.length(3) / 4;
    }

    /** {@return the number of attention heads} Their dimension is 128 as in the paper, and 32 in small models. */
    public int heads() {
        return hiddenSize % 128 == 0 && hiddenSize >= 1024 ? hiddenSize / 128 : hiddenSize / 32;
    }

    /** {@return the text of config.json of the transformer} */
    public String config() {
        return config(null);
    }

    /** Returns the text of config.json of a transformer without a component. */
    String config(@Nullable Component without) {
        Shape latent = latent();
        String common = String.format(
                Locale.ROOT,
                "\"architecture\": \"%s\", \"in_channels\": %d, \"patch_size\": [1, 2, 2], \"hidden_size\": %d,"
                        + " \"depth\": %d, \"num_heads\": %d, \"ffn_ratio\": %d.0, \"text_dims\": [%d],"
                        + " \"max_grid\": [%d, %d, %d]",
                architecture,
                CHANNELS,
                hiddenSize,
                depth,
                heads(),
                FFN_RATIO,
                TEXT_WIDTH,
                latent.length(1),
                latent.length(2) / 2,
                latent.length(3) / 2);
        String mate = String.format(
                Locale.ROOT,
                ", \"ma\": %b, \"scan\": \"%s\", \"review_pool\": %s, \"mamba\": {\"d_state\": %d,"
                        + " \"d_conv\": %d, \"expand\": %d, \"head_dim\": %d, \"n_groups\": 1, \"chunk_size\": 256},"
                        + " \"tesa\": %s",
                without != Component.MA,
                without == Component.RMS ? "fixed" : "rotary_major",
                without == Component.REVIEW ? "null" : "[2, 2, 2]",
                STATE_SIZE,
                CONV_WIDTH,
                EXPAND,
                SCAN_HEAD,
                without == Component.TESA ? "null" : "{\"window\": [16, 4, 4]}");
        return "{" + common + (architecture.equals("lingen") ? mate : "") + "}\n";
    }
}
