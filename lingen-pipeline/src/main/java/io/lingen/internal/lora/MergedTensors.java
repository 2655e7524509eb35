package io.lingen.internal.lora;

import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.NamedTensors;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.spi.Adapter;
import io.lingen.spi.ModelOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * The tensors of a model with adapters merged. A tensor is merged in F32 when it is read and not kept, so the memory needed is that of one
 * tensor. Thread-safe.
 */
public final class MergedTensors implements NamedTensors {
    private static final String WEIGHT = ".weight";
    private static final String BIAS = ".bias";

    private record Scaled(LoraFile adapter, double scale) {}

    private final NamedTensors model;
    private final boolean compute;
    private final List<Scaled> adapters = new ArrayList<>();

    private MergedTensors(NamedTensors model, boolean compute) {
        this.model = model;
        this.compute = compute;
    }

    /**
     * {@return the tensors of a model with adapters merged, in their order; the model itself if there are none}
     *
     * @param model the model's tensors
     * @param source the model's files, with the options applied
     * @param options name the adapters
     * @param moduleNames maps a module's name in a file to the model's
     * @param compute false for a dry run, which needs the shapes only
     * @throws CheckpointException if a file is missing or malformed, or does not fit the model
     */
    public static NamedTensors of(
            NamedTensors model,
            ModelSource source,
            ModelOptions options,
            UnaryOperator<String> moduleNames,
            boolean compute) {
        List<Adapter> adapters = options.adapters();
        if (adapters.isEmpty()) {
            return model;
        }
        MergedTensors merged = new MergedTensors(model, compute);
        for (int i = 0; i < adapters.size(); i++) {
            try (SafetensorsFile file = source.open(options.adapterPath(i))) {
                merged.adapters.add(new Scaled(
                        LoraFile.read(file, model, moduleNames), adapters.get(i).scale()));
            }
        }
        return merged;
    }

    @Override
    public Set<String> names() {
        return model.names();
    }

    @Override
    public HostTensor tensor(String name) {
        HostTensor tensor = model.tensor(name);
        boolean weight = name.endsWith(WEIGHT);
        if (!compute || !weight && !name.endsWith(BIAS)) {
            return tensor;
        }
        String module = name.substring(0, name.length() - (weight ? WEIGHT : BIAS).length());
        float[] values = null;
        for (Scaled each : adapters) {
            LowRankUpdate update = each.adapter.update(module);
            if (update == null || (weight ? update.down() : update.bias()) == null) {
                continue;
            }
            if (values == null) {
                values = tensor.toFloats();
                tensor.unload();
            }
            if (weight) {
                update.addToWeight(values, each.scale);
            } else {
                update.addToBias(values, each.scale);
            }
        }
        return values == null ? tensor : HostTensor.of(values, tensor.shape().toArray());
    }

    @Override
    public String toString() {
        return model.toString();
    }
}
