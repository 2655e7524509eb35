package io.lingen.wan.internal.transformer;

import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.NamedTensors;
import io.lingen.core.internal.SafeText;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** The names of a transformer's tensors in the files of Wan's authors and of ComfyUI, and those that diffusers has in their place. */
public final class WanNames {
    /** Wan's own, and diffusers'. Each is a whole module or the part of its name after the block. */
    private static final Map<Pattern, String> RULES = new LinkedHashMap<>();

    static {
        rule("time_embedding\\.0", "condition_embedder.time_embedder.linear_1");
        rule("time_embedding\\.2", "condition_embedder.time_embedder.linear_2");
        rule("text_embedding\\.0", "condition_embedder.text_embedder.linear_1");
        rule("text_embedding\\.2", "condition_embedder.text_embedder.linear_2");
        rule("time_projection\\.1", "condition_embedder.time_proj");
        rule("head\\.head", "proj_out");
        rule("head\\.modulation", "scale_shift_table");
        String block = "(blocks\\.\\d+)\\.";
        for (int i = 1; i <= 2; i++) {
            String own = block + (i == 1 ? "self_attn" : "cross_attn");
            String attention = "$1.attn" + i + ".";
            rule(own + "\\.([qkv])", attention + "to_$2");
            rule(own + "\\.o", attention + "to_out.0");
            rule(own + "\\.(norm_[qk])", attention + "$2");
        }
        rule(block + "to_gate_compress", "$1.attn1.to_gate_compress");
        rule(block + "norm3", "$1.norm2");
        rule(block + "ffn\\.0", "$1.ffn.net.0.proj");
        rule(block + "ffn\\.2", "$1.ffn.net.2");
        rule(block + "modulation", "$1.scale_shift_table");
    }

    private WanNames() {}

    private static void rule(String own, String diffusers) {
        RULES.put(Pattern.compile("^" + own + "(?=\\.|$)"), diffusers);
    }

    /**
     * {@return diffusers' name of a tensor or module} A name that is none of Wan's own is returned as it is.
     *
     * @param name for example "blocks.3.self_attn.q.weight"
     */
    public static String toDiffusers(String name) {
        for (Map.Entry<Pattern, String> rule : RULES.entrySet()) {
            var matcher = rule.getKey().matcher(name);
            if (matcher.lookingAt()) {
                return matcher.replaceFirst(rule.getValue());
            }
        }
        return name;
    }

    /**
     * {@return the tensors of a file under diffusers' names}
     *
     * @param file with Wan's own or with diffusers' names, optionally all under "model.diffusion_model." or "diffusion_model."
     * @throws CheckpointException if two tensors would get one name
     */
    public static NamedTensors underDiffusersNames(NamedTensors file) {
        Map<String, String> names = new TreeMap<>();
        for (String name : file.names()) {
            String bare = name.replaceFirst("^(model\\.)?diffusion_model\\.", "");
            String other = names.put(toDiffusers(bare), name);
            if (other != null) {
                throw new CheckpointException(file + ": expected one tensor for each of the model's, found '"
                        + SafeText.of(other) + "' and '" + SafeText.of(name) + "' for '"
                        + SafeText.of(toDiffusers(bare)) + "'; use a file of a single model");
            }
        }
        return new NamedTensors() {
            @Override
            public Set<String> names() {
                return Collections.unmodifiableSet(names.keySet());
            }

            @Override
            public HostTensor tensor(String name) {
                return file.tensor(names.getOrDefault(name, name));
            }

            @Override
            public String toString() {
                return file.toString();
            }
        };
    }
}
