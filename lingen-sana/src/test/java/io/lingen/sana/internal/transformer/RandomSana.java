package io.lingen.sana.internal.transformer;

import io.lingen.wan.internal.transformer.RandomTensors;
import org.jspecify.annotations.Nullable;

/** A transformer of random weights, small enough for a reference in plain loops. */
public final class RandomSana extends RandomTensors {
    /** Draws the weights; without a seed, they have shapes and no elements. */
    public RandomSana(SanaTransformerConfig config, @Nullable Long seed) {
        super(seed);
        int d = config.width();
        int e = config.crossWidth();
        int m = config.ffnSize();
        int p = config.patchWidth();
        add("patch_embedding.weight", 1 / Math.sqrt(p), d, config.channels(), 1, 2, 2);
        add("patch_embedding.bias", 0.1, d);
        linear("time_embed.emb.timestep_embedder.linear_1", 256, d);
        linear("time_embed.emb.timestep_embedder.linear_2", d, d);
        linear("time_embed.linear", d, 6 * d);
        linear("caption_projection.linear_1", config.textWidth(), d);
        linear("caption_projection.linear_2", d, d);
        add("caption_norm.weight", 1, d);
        for (int layer = 0; layer < config.layers(); layer++) {
            String block = "transformer_blocks." + layer + ".";
            add(block + "scale_shift_table", 0.3, 6, d);
            for (String name : new String[] {"to_q", "to_k", "to_v"}) {
                linearWithoutBias(block + "attn1." + name, d, d);
                linear(block + "attn2." + name, d, e);
            }
            linear(block + "attn1.to_out.0", d, d);
            linear(block + "attn2.to_out.0", e, d);
            for (String norm : new String[] {"norm_q", "norm_k"}) {
                add(block + "attn1." + norm + ".weight", 1, d);
                add(block + "attn2." + norm + ".weight", 1, e);
            }
            add(block + "ff.conv_inverted.weight", 1 / Math.sqrt(d), 2L * m, d, 1, 1);
            add(block + "ff.conv_inverted.bias", 0.1, 2L * m);
            add(block + "ff.conv_depth.weight", 1 / 3.0, 2L * m, 1, 3, 3);
            add(block + "ff.conv_depth.bias", 0.1, 2L * m);
            add(block + "ff.conv_point.weight", 1 / Math.sqrt(m), d, m, 1, 1);
            add(block + "ff.conv_temp.weight", 1 / Math.sqrt(3.0 * d), d, d, 3, 1);
        }
        add("scale_shift_table", 0.3, 2, d);
        linear("proj_out", d, p);
    }
}
