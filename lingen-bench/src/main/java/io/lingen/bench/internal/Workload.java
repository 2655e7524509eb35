package io.lingen.bench.internal;

import io.lingen.core.Shape;
import io.lingen.core.op.Dims3;
import io.lingen.vae.AutoencoderConfig;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A denoiser and the clip that it is run on: the block of the paper at any width, depth and clip size, on latents compressed by 8x8x8 at 16
 * frames per second.
 *
 * @param architecture "lingen" or "dit"
 * @param width of the clip in pixels, a multiple of 16; likewise height
 * @param seconds the clip's length
 * @param hiddenSize d, a multiple of 32
 * @param depth the number of blocks
 */
public record Workload(String architecture, int width, int height, int seconds, int hiddenSize, int depth) {
    /** The width of the text encoder's vectors. */
    static final int TEXT_WIDTH = 384;

    /** The tokens of a prompt. */
    static final int TEXT_TOKENS = 64;

    static final int CHANNELS = 16;
    static final int FFN_RATIO = 4;
    static final int STATE_SIZE = 128;
    static final int CONV_WIDTH = 4;
    static final int EXPAND = 2;
    static final int SCAN_HEAD = 64;

    public Workload {
        if (!architecture.equals("lingen") && !architecture.equals("dit")) {
            throw new IllegalArgumentException("architecture: found '" + architecture + "', expected lingen or dit");
        }
        if (width < 16 || height < 16 || width % 16 != 0 || height % 16 != 0 || seconds < 1 || seconds > 3600) {
            throw new IllegalArgumentException("clip: found " + width + "x" + height + " of " + seconds
                    + " s, expected multiples of 16 pixels and 1 to 3600 s");
        }
        if (hiddenSize < 32 || hiddenSize % 32 != 0 || depth < 1) {
            throw new IllegalArgumentException("model: found a hidden size of " + hiddenSize + " and a depth of "
                    + depth + ", expected a multiple of 32 and at least 1");
        }
    }

    /** A workload whose clip is given as, for example, "512x512". */
    public static Workload of(String architecture, String size, int seconds, int hiddenSize, int depth) {
        String[] lengths = size.split("x", -1);
        try {
            if (lengths.length == 2) {
                return new Workload(
                        architecture,
                        Integer.parseInt(lengths[0]),
                        Integer.parseInt(lengths[1]),
                        seconds,
                        hiddenSize,
                        depth);
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("size: found '" + size + "', expected for example 512x512", e);
        }
        throw new IllegalArgumentException("size: found '" + size + "', expected for example 512x512");
    }

    /** For a line of a table. */
    String title() {
        return architecture + " " + width + "x" + height + " " + seconds + " s";
    }

    /** [C, T, H, W] */
    public Shape latent() {
        return Shape.of(CHANNELS, seconds * 16L / 8, height / 8, width / 8);
    }

    /** [C, T, H, W] of a clip of these frames as a decoder takes them. */
    static Shape latent(AutoencoderConfig decoder, String size, int seconds) {
        Workload clip = of("lingen", size, seconds, 32, 1);
        Dims3 cell = decoder.compression();
        if (clip.height % cell.h() != 0 || clip.width % cell.w() != 0) {
            throw new IllegalArgumentException(
                    "size: found " + size + ", expected multiples of the decoder's " + cell.w() + "x" + cell.h());
        }
        return Shape.of(
                decoder.latentChannels(), seconds * 16L / cell.t(), clip.height / cell.h(), clip.width / cell.w());
    }

    /** The tokens of the clip, patch 1x2x2. */
    public long tokens() {
        Shape latent = latent();
        return latent.length(1) * latent.length(2) * latent.length(3) / 4;
    }

    /** Attention heads: 128 wide as in the paper's model, 32 wide in small ones. */
    public int heads() {
        return hiddenSize % 128 == 0 && hiddenSize >= 1024 ? hiddenSize / 128 : hiddenSize / 32;
    }

    /** The transformer's config.json. */
    public String config() {
        return config(null);
    }

    /** The same of a model whose blocks do without a part. */
    String config(@Nullable Part without) {
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
                without != Part.MA,
                without == Part.RMS ? "fixed" : "rotary_major",
                without == Part.REVIEW ? "null" : "[2, 2, 2]",
                STATE_SIZE,
                CONV_WIDTH,
                EXPAND,
                SCAN_HEAD,
                without == Part.TESA ? "null" : "{\"window\": [16, 4, 4]}");
        return "{" + common + (architecture.equals("lingen") ? mate : "") + "}\n";
    }
}
