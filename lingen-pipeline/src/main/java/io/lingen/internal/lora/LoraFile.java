package io.lingen.internal.lora;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.NamedTensors;
import io.lingen.core.internal.SafeText;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The low-rank adapters (LoRA; Hu et al., 2021) of a file, by the tensors of a model that they change. Three naming schemes are supported: that
 * of diffusers ({@code transformer.MODULE.lora_A.weight}), that of the models' authors and ComfyUI ({@code
 * diffusion_model.MODULE.lora_down.weight}, with {@code alpha} and {@code diff_b}), and that of musubi ({@code lora_unet_MODULE}, with
 * underscores in place of dots). Immutable.
 */
final class LoraFile {
    private static final List<String> PREFIXES = List.of("transformer.", "diffusion_model.");
    private static final String UNDERSCORED = "lora_unet_";
    private static final int LISTED = 5;

    /** The roles of an adapter's tensors, by the suffixes of their names. */
    private enum Role {
        DOWN(".lora_A.weight", ".lora_down.weight"),
        UP(".lora_B.weight", ".lora_up.weight"),
        BIAS(".lora_B.bias", ".diff_b"),
        ALPHA(".alpha"),
        /** A difference of the norms' weights, which diffusers ignores too. */
        IGNORED(".diff");

        private final List<String> suffixes;

        Role(String... suffixes) {
            this.suffixes = List.of(suffixes);
        }
    }

    /** The tensors of one module's adapter. */
    private static final class Parts {
        private final Map<Role, HostTensor> tensors = new HashMap<>();
        private final List<String> names = new ArrayList<>();
    }

    private final Map<String, LowRankUpdate> updates;

    private LoraFile(Map<String, LowRankUpdate> updates) {
        this.updates = updates;
    }

    /**
     * Reads a file's adapters for a model.
     *
     * @param file the adapters
     * @param model the model's tensors
     * @param moduleNames maps a module's name in the file, without prefix, to the model's
     * @throws CheckpointException if a tensor is of no adapter, an adapter is incomplete or of another shape than the model's tensor, or the
     *     model lacks a module; the message lists names
     */
    static LoraFile read(NamedTensors file, NamedTensors model, UnaryOperator<String> moduleNames) {
        Map<String, String> underscored = model.names().stream()
                .filter(name -> name.endsWith(".weight"))
                .map(name -> name.substring(0, name.length() - ".weight".length()))
                .collect(Collectors.toMap(name -> name.replace('.', '_'), name -> name, (a, b) -> a));
        Map<String, Parts> modules = new TreeMap<>();
        List<String> unknown = new ArrayList<>();
        for (String name : file.names()) {
            Role role = null;
            String module = name;
            for (Role candidate : Role.values()) {
                for (String suffix : candidate.suffixes) {
                    if (name.endsWith(suffix)) {
                        role = candidate;
                        module = name.substring(0, name.length() - suffix.length());
                    }
                }
            }
            String target = target(module, underscored, moduleNames);
            if (role == null || role != Role.IGNORED && !model.names().contains(target + ".weight")) {
                unknown.add(name);
            } else if (role != Role.IGNORED) {
                Parts parts = modules.computeIfAbsent(target, key -> new Parts());
                parts.names.add(name);
                if (parts.tensors.put(role, file.tensor(name)) != null) {
                    throw new CheckpointException(
                            file + ": expected one adapter for each module, found two for " + SafeText.of(target));
                }
            }
        }
        if (modules.isEmpty()) {
            throw new CheckpointException(file + ": expected a LoRA for this model, found no tensor that matches it: "
                    + listed(unknown) + "; use a LoRA of this model");
        }
        if (!unknown.isEmpty()) {
            throw new CheckpointException(file + ": expected a LoRA for this model, found " + unknown.size()
                    + " tensors that match nothing in it: " + listed(unknown)
                    + "; use a LoRA of this model and size");
        }
        Map<String, LowRankUpdate> updates = new TreeMap<>();
        modules.forEach((module, parts) -> updates.put(module, update(file, model, module, parts)));
        return new LoraFile(updates);
    }

    private static String target(String module, Map<String, String> underscored, UnaryOperator<String> moduleNames) {
        if (module.startsWith(UNDERSCORED)) {
            String flat = module.substring(UNDERSCORED.length());
            String found = underscored.get(flat);
            return found != null ? found : underscored.getOrDefault(underscoredName(flat, moduleNames), flat);
        }
        for (String prefix : PREFIXES) {
            if (module.startsWith(prefix)) {
                return moduleNames.apply(module.substring(prefix.length()));
            }
        }
        return moduleNames.apply(module);
    }

    /** Tries the possible positions of dots, because underscores separate modules and also occur within names. */
    private static String underscoredName(String flat, UnaryOperator<String> moduleNames) {
        String dotted = flat.replaceFirst("^blocks_(\\d+)_", "blocks.$1.")
                .replaceFirst("(self_attn|cross_attn|ffn|head|time_embedding|text_embedding|time_projection)_", "$1.");
        return moduleNames.apply(dotted).replace('.', '_');
    }

    private static LowRankUpdate update(NamedTensors file, NamedTensors model, String module, Parts parts) {
        HostTensor down = parts.tensors.get(Role.DOWN);
        HostTensor up = parts.tensors.get(Role.UP);
        HostTensor bias = parts.tensors.get(Role.BIAS);
        if ((down == null) != (up == null) || down == null && bias == null) {
            throw new CheckpointException(file + ": expected both factors of the adapter of " + SafeText.of(module)
                    + ", found only " + listed(parts.names) + "; check that the file is complete");
        }
        HostTensor weight = model.tensor(module + ".weight");
        long out = weight.shape().length(0);
        long in = weight.shape().elements() / out;
        long rank = down == null ? 1 : down.shape().length(0);
        requireShape(file, module, "down factor", down, rank, in);
        requireShape(file, module, "up factor", up, out, rank);
        requireShape(file, module, "bias", bias, out, 1);
        if (bias != null && !model.names().contains(module + ".bias")) {
            throw new CheckpointException(file + ": expected no bias for " + SafeText.of(module)
                    + ", which has none in the model, found one; use a LoRA of this model");
        }
        HostTensor alpha = parts.tensors.get(Role.ALPHA);
        if (alpha != null && alpha.shape().elements() != 1) {
            throw new CheckpointException(file + ": expected alpha of " + SafeText.of(module)
                    + " to be one number, found the shape " + alpha.shape());
        }
        return new LowRankUpdate(down, up, bias, alpha == null ? 1 : alpha.get(0) / (double) rank);
    }

    private static void requireShape(
            NamedTensors file, String module, String what, @Nullable HostTensor tensor, long rows, long columns) {
        if (tensor == null) {
            return;
        }
        DType type = tensor.dtype();
        if (type != DType.F32 && type != DType.F16 && type != DType.BF16) {
            throw new CheckpointException(file + ": expected the " + what + " of " + SafeText.of(module)
                    + " in F32, F16 or BF16, found " + type + "; convert the file");
        }
        long found = tensor.shape().rank() == 0 ? 1 : tensor.shape().length(0);
        if (tensor.shape().elements() != Math.multiplyExact(rows, columns) || found != rows) {
            throw new CheckpointException(file + ": expected the " + what + " of " + SafeText.of(module) + " of shape ["
                    + rows + ", " + columns + "], found " + tensor.shape() + "; use a LoRA of a model of this size");
        }
    }

    private static String listed(List<String> names) {
        return names.stream().limit(LISTED).map(SafeText::of).collect(Collectors.joining(", "))
                + (names.size() > LISTED ? ", ..." : "");
    }

    /** {@return the update of a module, or null if it has none} */
    @Nullable
    LowRankUpdate update(String module) {
        return updates.get(module);
    }
}
