package io.lingen.wan.internal.transformer;

import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.NamedTensors;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/** A transformer of random weights, small enough for a reference in plain loops. */
public final class RandomTransformer implements NamedTensors {
    private final Map<String, HostTensor> tensors = new TreeMap<>();
    private final Random random;

    public RandomTransformer(WanTransformerConfig config, long seed) {
        this.random = new Random(seed);
        int d = config.width();
        int p = config.patchWidth();
        tensors.put("patch_embedding.weight", normal(1 / Math.sqrt(p), d, p).reshape(d, config.channels(), 1, 2, 2));
        tensors.put("patch_embedding.bias", normal(0.1, d));
        linear("condition_embedder.time_embedder.linear_1", config.timeWidth(), d);
        linear("condition_embedder.time_embedder.linear_2", d, d);
        linear("condition_embedder.time_proj", d, 6 * d);
        linear("condition_embedder.text_embedder.linear_1", config.textWidth(), d);
        linear("condition_embedder.text_embedder.linear_2", d, d);
        for (int layer = 0; layer < config.layers(); layer++) {
            String block = "blocks." + layer + ".";
            tensors.put(block + "scale_shift_table", normal(0.3, 1, 6, d));
            for (String attention : new String[] {"attn1", "attn2"}) {
                for (String name : new String[] {"to_q", "to_k", "to_v", "to_out.0"}) {
                    linear(block + attention + "." + name, d, d);
                }
                tensors.put(block + attention + ".norm_q.weight", normal(1, d));
                tensors.put(block + attention + ".norm_k.weight", normal(1, d));
            }
            tensors.put(block + "norm2.weight", normal(1, d));
            tensors.put(block + "norm2.bias", normal(0.1, d));
            linear(block + "ffn.net.0.proj", d, config.ffnSize());
            linear(block + "ffn.net.2", config.ffnSize(), d);
        }
        tensors.put("scale_shift_table", normal(0.3, 1, 2, d));
        linear("proj_out", d, p);
    }

    /** Adds the gates of attention among tiles to every block. */
    public RandomTransformer withGates(WanTransformerConfig config) {
        for (int layer = 0; layer < config.layers(); layer++) {
            linear("blocks." + layer + ".attn1.to_gate_compress", config.width(), config.width());
        }
        return this;
    }

    public Map<String, HostTensor> tensors() {
        return tensors;
    }

    private void linear(String name, int in, int out) {
        tensors.put(name + ".weight", normal(1 / Math.sqrt(in), out, in));
        tensors.put(name + ".bias", normal(0.1, out));
    }

    HostTensor normal(double deviation, long... lengths) {
        int elements = 1;
        for (long length : lengths) {
            elements *= (int) length;
        }
        float[] values = new float[elements];
        for (int i = 0; i < elements; i++) {
            values[i] = (float) (deviation * random.nextGaussian());
        }
        return HostTensor.of(values, lengths);
    }

    @Override
    public Set<String> names() {
        return tensors.keySet();
    }

    @Override
    public HostTensor tensor(String name) {
        HostTensor tensor = tensors.get(name);
        if (tensor == null) {
            throw new CheckpointException("no tensor " + name);
        }
        return tensor;
    }

    @Override
    public String toString() {
        return "random transformer";
    }
}
