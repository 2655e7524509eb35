package io.lingen.wan.internal.transformer;

/** A transformer of random weights, small enough for a reference in plain loops. */
public final class RandomTransformer extends RandomTensors {
    public RandomTransformer(WanTransformerConfig config, long seed) {
        super(seed);
        int d = config.width();
        int p = config.patchWidth();
        add("patch_embedding.weight", 1 / Math.sqrt(p), d, config.channels(), 1, 2, 2);
        add("patch_embedding.bias", 0.1, d);
        linear("condition_embedder.time_embedder.linear_1", config.timeWidth(), d);
        linear("condition_embedder.time_embedder.linear_2", d, d);
        linear("condition_embedder.time_proj", d, 6 * d);
        linear("condition_embedder.text_embedder.linear_1", config.textWidth(), d);
        linear("condition_embedder.text_embedder.linear_2", d, d);
        for (int layer = 0; layer < config.layers(); layer++) {
            String block = "blocks." + layer + ".";
            add(block + "scale_shift_table", 0.3, 1, 6, d);
            for (String attention : new String[] {"attn1", "attn2"}) {
                for (String name : new String[] {"to_q", "to_k", "to_v", "to_out.0"}) {
                    linear(block + attention + "." + name, d, d);
                }
                add(block + attention + ".norm_q.weight", 1, d);
                add(block + attention + ".norm_k.weight", 1, d);
            }
            add(block + "norm2.weight", 1, d);
            add(block + "norm2.bias", 0.1, d);
            linear(block + "ffn.net.0.proj", d, config.ffnSize());
            linear(block + "ffn.net.2", config.ffnSize(), d);
        }
        add("scale_shift_table", 0.3, 1, 2, d);
        linear("proj_out", d, p);
    }

    /** Adds the gates of attention among tiles to every block. */
    public RandomTransformer withGates(WanTransformerConfig config) {
        for (int layer = 0; layer < config.layers(); layer++) {
            linear("blocks." + layer + ".attn1.to_gate_compress", config.width(), config.width());
        }
        return this;
    }
}
