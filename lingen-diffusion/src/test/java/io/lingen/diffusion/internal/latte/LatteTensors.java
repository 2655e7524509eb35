package io.lingen.diffusion.internal.latte;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.NamedTensors;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** The tensors of the published checkpoints by their names, written down from the layout. They have shapes but no elements. */
final class LatteTensors implements NamedTensors {
    static final String XL = """
            {"architecture": "latte", "condition": "none", "in_channels": 4, "patch_size": [1, 2, 2], "hidden_size": 1152,
             "depth": 28, "num_heads": 16, "ffn_ratio": 4.0, "frames": 16, "latent_size": [32, 32], "learn_sigma": true}
            """;
    static final String XL_CLASSES =
            XL.replace("\"none\"", "\"class\"").replace("\"frames\"", "\"num_classes\": 101, \"frames\"");
    static final String TEXT = XL.replace("\"none\"", "\"text\", \"text_dims\": [4096]")
            .replace("\"depth\": 28", "\"depth\": 56")
            .replace("[32, 32]", "[64, 64]");

    private final Map<String, Shape> shapes = new TreeMap<>();

    static LatteConfig config(String json) {
        return LatteConfig.read(ConfigReader.parse("config.json", json.getBytes(StandardCharsets.UTF_8)));
    }

    LatteTensors(LatteConfig config) {
        long d = config.hiddenSize();
        int p = config.patch();
        if (config.condition() == LatteConfig.Condition.TEXT) {
            put("pos_embed.proj", d, 4, p, p);
            linear("adaln_single.emb.timestep_embedder.linear_1", 256, d);
            linear("adaln_single.emb.timestep_embedder.linear_2", d, d);
            linear("adaln_single.linear", d, 6 * d);
            linear("caption_projection.linear_1", config.textWidth(), d);
            linear("caption_projection.linear_2", d, d);
            shapes.put("scale_shift_table", Shape.of(2, d));
            linear("proj_out", d, 8L * p * p);
            for (int i = 0; i < config.depth() / 2; i++) {
                for (String stack : new String[] {"transformer_blocks.", "temporal_transformer_blocks."}) {
                    String block = stack + i;
                    shapes.put(block + ".scale_shift_table", Shape.of(6, d));
                    attention(block + ".attn1", d);
                    if (stack.startsWith("transformer")) {
                        attention(block + ".attn2", d);
                    }
                    linear(block + ".ff.net.0.proj", d, config.ffnSize());
                    linear(block + ".ff.net.2", config.ffnSize(), d);
                }
            }
            return;
        }
        put("x_embedder.proj", d, 4, p, p);
        shapes.put(
                "pos_embed",
                Shape.of(1, (long) config.grid().h() * config.grid().w(), d));
        shapes.put("temp_embed", Shape.of(1, config.frames(), d));
        linear("t_embedder.mlp.0", 256, d);
        linear("t_embedder.mlp.2", d, d);
        if (config.condition() == LatteConfig.Condition.CLASS) {
            shapes.put("y_embedder.embedding_table.weight", Shape.of(config.classes() + 1, d));
        }
        linear("final_layer.adaLN_modulation.1", d, 2 * d);
        linear("final_layer.linear", d, 8L * p * p);
        for (int layer = 0; layer < config.depth(); layer++) {
            String block = "blocks." + layer;
            linear(block + ".attn.qkv", d, 3 * d);
            linear(block + ".attn.proj", d, d);
            if (config.variant() == 3) {
                linear(block + ".attn_temporal.qkv", d, 3 * d);
                linear(block + ".attn_temporal.proj", d, d);
            }
            linear(block + ".adaLN_modulation.1", d, 6 * d);
            linear(block + ".mlp.fc1", d, config.ffnSize());
            linear(block + ".mlp.fc2", config.ffnSize(), d);
        }
    }

    private void attention(String name, long d) {
        for (String layer : new String[] {".to_q", ".to_k", ".to_v", ".to_out.0"}) {
            linear(name + layer, d, d);
        }
    }

    private void linear(String name, long in, long out) {
        put(name, out, in);
    }

    private void put(String name, long... weight) {
        shapes.put(name + ".weight", Shape.of(weight));
        shapes.put(name + ".bias", Shape.of(weight[0]));
    }

    /** {@return the number of parameters; positions are constants} */
    long parameters() {
        return shapes.entrySet().stream()
                .filter(entry -> !entry.getKey().endsWith("_embed"))
                .mapToLong(entry -> entry.getValue().elements())
                .sum();
    }

    @Override
    public Set<String> names() {
        return shapes.keySet();
    }

    @Override
    public HostTensor tensor(String name) {
        return HostTensor.withoutElements(DType.F32, shapes.get(name));
    }
}
