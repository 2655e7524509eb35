package io.lingen.wan.internal.vae;

import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.core.internal.PhiloxNormal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** An autoencoder with random weights under the names and in the shapes of the published files. */
public final class RandomAutoencoder {
    public final int channels;
    final int encoderBase;
    final int decoderBase;
    final int[] multipliers;
    final int blocks;
    final boolean[] halvesTime;
    final boolean residual;
    final int patch;
    final double[] mean;
    final double[] std;
    public final Map<String, HostTensor> tensors = new LinkedHashMap<>();

    private RandomAutoencoder(
            int channels,
            int encoderBase,
            int decoderBase,
            int[] multipliers,
            int blocks,
            boolean[] halvesTime,
            boolean residual,
            int patch) {
        this.channels = channels;
        this.encoderBase = encoderBase;
        this.decoderBase = decoderBase;
        this.multipliers = multipliers;
        this.blocks = blocks;
        this.halvesTime = halvesTime;
        this.residual = residual;
        this.patch = patch;
        this.mean = new double[channels];
        this.std = new double[channels];
        for (int c = 0; c < channels; c++) {
            mean[c] = (float) (0.3 * c - 0.5);
            std[c] = (float) (0.5 + 0.2 * c);
        }
        addDecoder();
        addEncoder();
    }

    /** Returns a model of the structure of Wan 2.1: compression 4x4x4 and widths of more than one tile. */
    public static RandomAutoencoder plain() {
        return new RandomAutoencoder(5, 9, 18, new int[] {1, 2, 4}, 1, new boolean[] {true, true}, false, 1);
    }

    /** Returns a model of the structure of Wan 2.1 whose stages differ in what they halve: compression 2x4x4. */
    static RandomAutoencoder plainWithSpatialStage() {
        return new RandomAutoencoder(3, 4, 6, new int[] {1, 2, 3}, 2, new boolean[] {false, true}, false, 1);
    }

    /** Returns a model of the structure of Wan 2.2: compression 4x16x16 and widths of more than one tile. */
    static RandomAutoencoder residual() {
        return new RandomAutoencoder(6, 9, 17, new int[] {1, 2, 4, 4}, 1, new boolean[] {false, true, true}, true, 2);
    }

    /** Returns a model whose shortcuts convert between channels and time, and whose cells are three pixels wide. */
    static RandomAutoencoder residualWithTemporalShuffle() {
        return new RandomAutoencoder(3, 4, 5, new int[] {2, 4, 8, 8}, 1, new boolean[] {true, false, true}, true, 3);
    }

    int spatialCompression() {
        return patch << halvesTime.length;
    }

    int temporalCompression() {
        int factor = 1;
        for (boolean halves : halvesTime) {
            factor *= halves ? 2 : 1;
        }
        return factor;
    }

    private void addDecoder() {
        int stages = multipliers.length;
        int width = decoderBase * multipliers[stages - 1];
        convolution("post_quant_conv", channels, channels, 1, 1, 1);
        convolution("decoder.conv_in", width, channels, 3, 3, 3);
        middle("decoder.mid_block", width);
        for (int i = 0; i < stages; i++) {
            String name = "decoder.up_blocks." + i;
            int out = decoderBase * multipliers[stages - 1 - i];
            for (int k = 0; k <= blocks; k++) {
                block(name + ".resnets." + k, k == 0 ? width : out, out);
            }
            width = out;
            if (i < stages - 1) {
                String upsampler = name + (residual ? ".upsampler" : ".upsamplers.0");
                if (halvesTime[stages - 2 - i]) {
                    convolution(upsampler + ".time_conv", 2 * out, out, 3, 1, 1);
                }
                width = residual ? out : out / 2;
                convolution(upsampler + ".resample.1", width, out, 3, 3);
            }
        }
        gamma("decoder.norm_out", width, 1, 1, 1);
        convolution("decoder.conv_out", 3 * patch * patch, width, 3, 3, 3);
    }

    private void addEncoder() {
        int stages = multipliers.length;
        int width = encoderBase;
        int layer = 0;
        convolution("encoder.conv_in", width, 3 * patch * patch, 3, 3, 3);
        for (int i = 0; i < stages; i++) {
            int out = encoderBase * multipliers[i];
            String name = "encoder.down_blocks.";
            for (int k = 0; k < blocks; k++) {
                block(name + (residual ? i + ".resnets." + k : layer++), width, out);
                width = out;
            }
            if (i < stages - 1) {
                String downsampler = name + (residual ? i + ".downsampler" : layer++);
                convolution(downsampler + ".resample.1", out, out, 3, 3);
                if (halvesTime[i]) {
                    convolution(downsampler + ".time_conv", out, out, 3, 1, 1);
                }
            }
        }
        middle("encoder.mid_block", width);
        gamma("encoder.norm_out", width, 1, 1, 1);
        convolution("encoder.conv_out", 2 * channels, width, 3, 3, 3);
        convolution("quant_conv", 2 * channels, 2 * channels, 1, 1, 1);
    }

    private void middle(String name, int width) {
        block(name + ".resnets.0", width, width);
        gamma(name + ".attentions.0.norm", width, 1, 1);
        convolution(name + ".attentions.0.to_qkv", 3 * width, width, 1, 1);
        convolution(name + ".attentions.0.proj", width, width, 1, 1);
        block(name + ".resnets.1", width, width);
    }

    private void block(String name, int in, int out) {
        gamma(name + ".norm1", in, 1, 1, 1);
        convolution(name + ".conv1", out, in, 3, 3, 3);
        gamma(name + ".norm2", out, 1, 1, 1);
        convolution(name + ".conv2", out, out, 3, 3, 3);
        if (in != out) {
            convolution(name + ".conv_shortcut", out, in, 1, 1, 1);
        }
    }

    /** Adds weights that keep the variance, and a bias. */
    private void convolution(String name, long... shape) {
        double fanIn = 1;
        for (int axis = 1; axis < shape.length; axis++) {
            fanIn *= shape[axis];
        }
        add(name + ".weight", 0, 1 / Math.sqrt(fanIn), shape);
        add(name + ".bias", 0, 0.1, shape[0]);
    }

    private void gamma(String name, long... shape) {
        add(name + ".gamma", 1, 0.3, shape);
    }

    private void add(String name, double centre, double deviation, long... shape) {
        int elements = 1;
        for (long length : shape) {
            elements *= (int) length;
        }
        float[] values = new float[elements];
        PhiloxNormal.fill(name.hashCode(), 0, values, 0, elements);
        for (int i = 0; i < elements; i++) {
            values[i] = (float) (centre + deviation * values[i]);
        }
        tensors.put(name, HostTensor.of(values, shape));
    }

    public String json() {
        return """
                {"_class_name": "AutoencoderKLWan", "_diffusers_version": "0.40.0", "attn_scales": [], "dropout": 0.0,
                 "base_dim": %d, "decoder_base_dim": %d, "dim_mult": %s, "num_res_blocks": %d, "temperal_downsample": %s,
                 "is_residual": %s, "patch_size": %s, "z_dim": %d, "in_channels": %d, "out_channels": %d,
                 "latents_mean": %s, "latents_std": %s, "scale_factor_spatial": %d, "scale_factor_temporal": %d}
                """.formatted(
                        encoderBase,
                        decoderBase,
                        Arrays.toString(multipliers),
                        blocks,
                        Arrays.toString(halvesTime),
                        residual,
                        patch == 1 ? "null" : "" + patch,
                        channels,
                        3 * patch * patch,
                        3 * patch * patch,
                        Arrays.toString(mean),
                        Arrays.toString(std),
                        spatialCompression(),
                        temporalCompression());
    }

    WanVaeConfig config() {
        return WanVaeConfig.read(ConfigReader.parse("vae/config.json", json().getBytes(StandardCharsets.UTF_8)));
    }

    SafetensorsFile write(Path folder) {
        Path file = folder.resolve("diffusion_pytorch_model.safetensors");
        SafetensorsWriter.write(file, tensors, Map.of());
        return SafetensorsFile.open(file);
    }
}
