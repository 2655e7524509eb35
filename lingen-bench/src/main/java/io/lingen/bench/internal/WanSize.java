package io.lingen.bench.internal;

import io.lingen.core.Shape;
import java.util.Locale;
import picocli.CommandLine.Option;

/** The options for the sizes of a Wan model and of its video. The defaults are those of Wan 2.1 1.3B, and a video of 480x272 and 33 frames. */
final class WanSize {
    /** The rows of a text embedding, padding included. */
    static final int TEXT_ROWS = 512;

    /** The rows of a text embedding that are tokens. */
    static final int TOKENS = 60;

    static final int TEXT_LAYERS = 2;
    static final int TEXT_BUCKETS = 32;
    static final int VOCABULARY = 32;
    private static final int CHANNELS = 16;
    /** The pixels of a token in height and in width. */
    private static final int TOKEN_PIXELS = 16;

    private static final int FRAMES_PER_LATENT_FRAME = 4;

    @Option(
            names = "--heads",
            paramLabel = "N",
            defaultValue = "12",
            description = "Number of attention heads (default: ${DEFAULT-VALUE}).")
    int heads;

    @Option(
            names = "--head-dim",
            paramLabel = "N",
            defaultValue = "128",
            description = "Width of an attention head (default: ${DEFAULT-VALUE}).")
    int headDim;

    @Option(
            names = "--ffn",
            paramLabel = "N",
            defaultValue = "8960",
            description = "Width of the feed-forward layers (default: ${DEFAULT-VALUE}).")
    int ffn;

    @Option(
            names = "--layers",
            paramLabel = "N",
            defaultValue = "30",
            description = "Number of blocks (default: ${DEFAULT-VALUE}).")
    int layers;

    @Option(
            names = "--text-width",
            paramLabel = "N",
            defaultValue = "4096",
            description = "Width of the text embeddings (default: ${DEFAULT-VALUE}).")
    int textWidth;

    @Option(
            names = "--vae-width",
            paramLabel = "N",
            defaultValue = "96",
            description = "Base width of the autoencoder (default: ${DEFAULT-VALUE}).")
    int vaeWidth;

    /** Returns the width of the transformer. */
    int width() {
        return heads * headDim;
    }

    /**
     * Returns the shape of the latent of a video, [C, T, H, W].
     *
     * @param size the size in pixels, for example "480x272"
     * @param frames the number of frames
     * @throws IllegalArgumentException if the model has no video of this size and length
     */
    static Shape latent(String size, int frames) {
        PixelSize pixels = PixelSize.parse(size);
        if (pixels.width() < TOKEN_PIXELS
                || pixels.height() < TOKEN_PIXELS
                || pixels.width() % TOKEN_PIXELS != 0
                || pixels.height() % TOKEN_PIXELS != 0) {
            throw new IllegalArgumentException(
                    "size must be positive multiples of " + TOKEN_PIXELS + ", found " + size);
        }
        if (frames < 1 || frames % FRAMES_PER_LATENT_FRAME != 1) {
            throw new IllegalArgumentException("frames must be 1 plus a multiple of 4, found " + frames);
        }
        return Shape.of(
                CHANNELS,
                1 + frames / FRAMES_PER_LATENT_FRAME,
                2L * pixels.height() / TOKEN_PIXELS,
                2L * pixels.width() / TOKEN_PIXELS);
    }

    /** Returns the text of transformer/config.json. */
    String transformerConfig() {
        return String.format(
                Locale.ROOT,
                "{\"_class_name\": \"WanTransformer3DModel\", \"num_attention_heads\": %d, \"attention_head_dim\": %d,"
                        + " \"ffn_dim\": %d, \"num_layers\": %d, \"in_channels\": %d, \"out_channels\": %d,"
                        + " \"text_dim\": %d, \"freq_dim\": 256, \"patch_size\": [1, 2, 2], \"eps\": 1e-06,"
                        + " \"cross_attn_norm\": true, \"qk_norm\": \"rms_norm_across_heads\","
                        + " \"rope_max_seq_len\": 1024}%n",
                heads,
                headDim,
                ffn,
                layers,
                CHANNELS,
                CHANNELS,
                textWidth);
    }

    /** Returns the text of vae/config.json. */
    String vaeConfig() {
        return String.format(
                Locale.ROOT,
                "{\"_class_name\": \"AutoencoderKLWan\", \"base_dim\": %d, \"z_dim\": %d, \"dim_mult\": [1, 2, 4, 4],"
                        + " \"num_res_blocks\": 2, \"temperal_downsample\": [false, true, true], \"attn_scales\": []}%n",
                vaeWidth,
                CHANNELS);
    }

    /** Returns the text of text_encoder/config.json. */
    String textConfig() {
        return String.format(
                Locale.ROOT,
                "{\"architectures\": [\"UMT5EncoderModel\"], \"model_type\": \"umt5\", \"d_model\": %d, \"d_kv\": %d,"
                        + " \"num_heads\": %d, \"d_ff\": %d, \"num_layers\": %d, \"vocab_size\": %d,"
                        + " \"relative_attention_num_buckets\": %d, \"relative_attention_max_distance\": 128,"
                        + " \"layer_norm_epsilon\": 1e-06, \"feed_forward_proj\": \"gated-gelu\"}%n",
                textWidth,
                textHeadDim(),
                textHeads(),
                textFfn(),
                TEXT_LAYERS,
                VOCABULARY,
                TEXT_BUCKETS);
    }

    int textHeadDim() {
        return Math.min(64, textWidth);
    }

    int textHeads() {
        return Math.max(1, textWidth / 64);
    }

    int textFfn() {
        return textWidth * 5 / 2;
    }
}
