package io.lingen.vae;

import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.core.internal.PhiloxNormal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A writer of small autoencoders with random weights. Names and shapes are spelled out as in docs/checkpoint-format.md. */
final class TinyAutoencoder {
    private final Map<String, HostTensor> tensors = new LinkedHashMap<>();
    private final String config;

    private TinyAutoencoder(String config) {
        this.config = config;
    }

    /** Returns a model of two levels of one layer each: compression 4x2x2, patch 2x1x1, widths 8 and 4, 3 latent channels. */
    static TinyAutoencoder of(boolean attention, int tile, int overlap, int margin) {
        TinyAutoencoder model = new TinyAutoencoder("""
                {"latent_channels": 3, "out_channels": 3, "widths": [8, 4], "upsample": [[2, 2, 2]], "patch_size": [2, 1, 1],
                 "layers_per_level": 1, "mid_layers": 1, "attention": %s, "attention_heads": 2, "norm_groups": 2,
                 "latent_mean": [0.5, -1, 0], "latent_std": [1, 2, 0.5],
                 "tile": {"latent_frames": %d, "overlap": %d, "margin": %d}}
                """.formatted(attention, tile, overlap, margin));
        model.inflated("decoder.conv_in", 3, 8);
        model.middle("decoder.mid", attention);
        model.block("decoder.up.0.res.0", 8, 8);
        model.inflated("decoder.up.0.upsample", 8, 8);
        model.block("decoder.up.1.res.0", 8, 4);
        model.norm("decoder.norm_out", 4);
        model.inflated("decoder.conv_out", 4, 6);
        return model;
    }

    TinyAutoencoder withEncoder(boolean attention) {
        inflated("encoder.conv_in", 6, 4);
        block("encoder.down.0.res.0", 4, 4);
        inflated("encoder.down.0.downsample", 4, 4);
        block("encoder.down.1.res.0", 4, 8);
        middle("encoder.mid", attention);
        norm("encoder.norm_out", 8);
        inflated("encoder.conv_out", 8, 3);
        return this;
    }

    /** Returns this model without a tensor. */
    TinyAutoencoder without(String name) {
        if (tensors.remove(name) == null) {
            throw new IllegalArgumentException("no tensor " + name);
        }
        return this;
    }

    TinyAutoencoder with(String name, long... shape) {
        long elements = 1;
        for (long length : shape) {
            elements *= length;
        }
        float[] values = new float[(int) elements];
        PhiloxNormal.fill(name.hashCode(), 0, values, 0, values.length);
        // Weights that keep the variance at 1 in every layer.
        double fanIn = shape.length == 1 ? 16 : elements / (double) shape[0];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (values[i] / Math.sqrt(fanIn));
        }
        tensors.put(name, HostTensor.of(values, shape));
        return this;
    }

    /** Writes the folder "vae" of the model. */
    Path write(Path model) throws IOException {
        Path vae = Files.createDirectories(model.resolve("vae"));
        Files.writeString(vae.resolve("config.json"), config);
        SafetensorsWriter.write(vae.resolve("model.safetensors"), tensors, Map.of());
        return model;
    }

    private void middle(String name, boolean attention) {
        block(name + ".res.0", 8, 8);
        if (attention) {
            for (String axis : List.of(".attn.spatial", ".attn.temporal")) {
                norm(name + axis + ".norm", 8);
                with(name + axis + ".qkv.weight", 24, 8).with(name + axis + ".qkv.bias", 24);
                with(name + axis + ".proj.weight", 8, 8).with(name + axis + ".proj.bias", 8);
            }
        }
    }

    private void block(String name, int in, int out) {
        norm(name + ".norm1", in);
        inflated(name + ".conv1", in, out);
        norm(name + ".norm2", out);
        inflated(name + ".conv2", out, out);
        if (in != out) {
            with(name + ".shortcut.weight", out, in).with(name + ".shortcut.bias", out);
        }
    }

    private void norm(String name, int width) {
        with(name + ".weight", width).with(name + ".bias", width);
    }

    private void inflated(String name, int in, int out) {
        with(name + ".spatial.weight", out, in, 3, 3).with(name + ".spatial.bias", out);
        with(name + ".temporal.weight", out, out, 3).with(name + ".temporal.bias", out);
    }
}
