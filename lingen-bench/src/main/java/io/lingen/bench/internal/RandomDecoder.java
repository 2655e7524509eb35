package io.lingen.bench.internal;

import io.lingen.core.DType;
import io.lingen.vae.AutoencoderConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A writer of a model folder with a decoder of the paper's size and {@link RandomWeights}. The compression is 8x8x8 and latents have 16
 * channels. Tiles have 32 frames and overlap by 16 (specification, section 6). The paper does not state widths, blocks per level and heads:
 * they are those of docs/checkpoint-format.md, with four heads of 128.
 */
final class RandomDecoder {
    private static final int[] WIDTHS = {512, 512, 256, 128};
    private static final int CHANNELS = 16;
    private static final int BLOCKS = 2;
    private static final String CONFIG = """
            {"latent_channels": 16, "out_channels": 3,
             "widths": [512, 512, 256, 128], "upsample": [[2, 2, 2], [2, 2, 2], [2, 2, 2]], "patch_size": [1, 1, 1],
             "layers_per_level": 2, "mid_layers": 2, "attention": true, "attention_heads": 4, "norm_groups": 32,
             "latent_mean": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
             "latent_std": [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
             "tile": {"latent_frames": 4, "overlap": 2, "margin": 0}}
            """;

    private final RandomWeights weights;

    private RandomDecoder(RandomWeights weights) {
        this.weights = weights;
    }

    /** Writes the folder {@code model}/vae, whose configuration is that of {@link AutoencoderConfig}. */
    static void write(Path model, long seed, DType storage) throws IOException {
        RandomModelFolder.create(model);
        Path vae = Files.createDirectories(model.resolve("vae"));
        Files.writeString(vae.resolve("config.json"), CONFIG);
        try (RandomWeights weights = new RandomWeights(seed, storage)) {
            new RandomDecoder(weights).decoder();
            weights.write(vae.resolve("model.safetensors"));
        }
    }

    private void decoder() {
        int first = WIDTHS[0];
        int last = WIDTHS[WIDTHS.length - 1];
        convolution("decoder.conv_in", CHANNELS, first, 1);
        for (int j = 0; j < BLOCKS; j++) {
            residual("decoder.mid.res." + j, first, first);
        }
        attention("decoder.mid.attn.spatial", first);
        attention("decoder.mid.attn.temporal", first);
        for (int k = 0; k < WIDTHS.length; k++) {
            String level = "decoder.up." + k;
            for (int j = 0; j < BLOCKS; j++) {
                residual(level + ".res." + j, j == 0 && k > 0 ? WIDTHS[k - 1] : WIDTHS[k], WIDTHS[k]);
            }
            if (k < WIDTHS.length - 1) {
                convolution(level + ".upsample", WIDTHS[k], WIDTHS[k], 1);
            }
        }
        norm("decoder.norm_out", last);
        convolution("decoder.conv_out", last, 3, 0.5);
    }

    private void residual(String name, int in, int out) {
        norm(name + ".norm1", in);
        convolution(name + ".conv1", in, out, 1);
        norm(name + ".norm2", out);
        convolution(name + ".conv2", out, out, 0.5);
        if (in != out) {
            weights.linear(name + ".shortcut", in, out);
        }
    }

    private void attention(String name, int width) {
        norm(name + ".norm", width);
        weights.linear(name + ".qkv", width, 3L * width);
        weights.linear(name + ".proj", width, width);
    }

    /** Adds a convolution of 3x3 over each frame, followed by one of 3 along time. */
    private void convolution(String name, int in, int out, double gain) {
        weights.normal(name + ".spatial.weight", 0, 1 / Math.sqrt(9.0 * in), out, in, 3, 3);
        weights.normal(name + ".spatial.bias", 0, 0.1, out);
        weights.normal(name + ".temporal.weight", 0, gain / Math.sqrt(3.0 * out), out, out, 3);
        weights.normal(name + ".temporal.bias", 0, 0.1, out);
    }

    private void norm(String name, int width) {
        weights.normal(name + ".weight", 1, 0.2, width);
        weights.normal(name + ".bias", 0, 0.1, width);
    }
}
