package io.lingen.internal.text;

import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.core.internal.PhiloxNormal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.StringJoiner;

/** The files of a small text encoder: tensors of random values in two shards, its configuration and its tokenizer. */
public final class TinyCheckpoint {
    public static final String COMPONENT = "text_encoder";
    public static final String TOKENIZER = "tokenizer/tokenizer.json";

    private final Map<String, HostTensor> tensors = new LinkedHashMap<>();

    /** Adds a tensor of normally distributed values, which depend on its name. */
    public void add(String name, double mean, double deviation, long... shape) {
        float[] values = new float[(int) Shape.of(shape).elements()];
        PhiloxNormal.fill(name.hashCode(), 0, values, 0, values.length);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (mean + deviation * values[i]);
        }
        tensors.put(name, HostTensor.of(values, shape));
    }

    /** The tensors by name, to read or to change before they are written. */
    public Map<String, HostTensor> tensors() {
        return tensors;
    }

    /** Writes all files into a model folder. */
    public void write(Path model, String config, String tokenizer) throws IOException {
        Path folder = Files.createDirectories(model.resolve(COMPONENT));
        Files.writeString(folder.resolve("config.json"), config);
        Files.createDirectories(model.resolve(TOKENIZER).getParent());
        Files.writeString(model.resolve(TOKENIZER), tokenizer);
        StringJoiner index = new StringJoiner(", ", "{\"weight_map\": {", "}}");
        for (int shard = 1; shard <= 2; shard++) {
            String file = "model-0000" + shard + "-of-00002.safetensors";
            Map<String, HostTensor> part = new LinkedHashMap<>();
            for (Map.Entry<String, HostTensor> tensor : tensors.entrySet()) {
                // Layers of both shards: a layer is not read from one file alone.
                if (Math.floorMod(tensor.getKey().hashCode(), 2) + 1 == shard) {
                    part.put(tensor.getKey(), tensor.getValue());
                    index.add("\"" + tensor.getKey() + "\": \"" + file + "\"");
                }
            }
            SafetensorsWriter.write(folder.resolve(file), part, Map.of());
        }
        Files.writeString(folder.resolve("model.safetensors.index.json"), index.toString());
    }
}
