package io.lingen.cli;

import io.lingen.TextToVideoPipeline;
import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.checkpoint.SafetensorsWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model several times as wide as lingen-nano, of any depth, with frames twice as large. Its weights are scaled repetitions of nano's, which
 * keep all values finite. Decoder, text encoder and scheduler are those of nano.
 */
final class WideModel {
    private static final int NANO_WIDTH = 192;
    private static final int NANO_DEPTH = 8;

    private WideModel() {}

    /** Writes the model into a folder and returns it. */
    static Path write(Path folder, int times, int depth) throws IOException {
        try (ModelSource nano = TextToVideoPipeline.source(TextToVideoPipeline.NANO)) {
            for (String path : List.of(
                    "model_index.json",
                    "thesaurus.tsv",
                    "scheduler/config.json",
                    "text_encoder/config.json",
                    "vae/config.json",
                    "vae/model.safetensors")) {
                Path target = folder.resolve(path);
                Files.createDirectories(target.getParent());
                Files.write(target, nano.read(path));
            }
            Path transformer = Files.createDirectories(folder.resolve("transformer"));
            String config = new String(nano.read("transformer/config.json"), StandardCharsets.UTF_8)
                    .replaceFirst("\"hidden_size\": *\\d+", "\"hidden_size\": " + times * NANO_WIDTH)
                    .replaceFirst("\"inner_dim\": *\\d+", "\"inner_dim\": " + times * NANO_WIDTH)
                    .replaceFirst("\"num_heads\": *(\\d+)", "\"num_heads\": " + times * 6)
                    .replaceFirst("\"depth\": *\\d+", "\"depth\": " + depth)
                    .replaceFirst("(?s)\"max_grid\": *\\[.*?]", "\"max_grid\": [160, 32, 32]");
            Files.writeString(transformer.resolve("config.json"), config);
            try (SafetensorsFile file = nano.tensors("transformer")) {
                SafetensorsWriter.write(
                        transformer.resolve("model.safetensors"), weights(file, times, depth), Map.of());
            }
        }
        return folder;
    }

    private static Map<String, HostTensor> weights(SafetensorsFile nano, int times, int depth) {
        Map<String, HostTensor> weights = new LinkedHashMap<>();
        for (String name : nano.names()) {
            HostTensor tensor = nano.tensor(name);
            if (!name.startsWith("blocks.")) {
                weights.put(name, widened(name, tensor, times));
            } else {
                String rest = name.substring(name.indexOf('.', 7));
                int block = Integer.parseInt(name.substring(7, name.length() - rest.length()));
                for (int copy = block; copy < depth; copy += NANO_DEPTH) {
                    weights.put("blocks." + copy + rest, widened(name, tensor, times));
                }
            }
        }
        return weights;
    }

    private static HostTensor widened(String name, HostTensor tensor, int times) {
        long[] lengths = tensor.shape().toArray();
        long elements = 1;
        for (int axis = 0; axis < lengths.length; axis++) {
            boolean text = name.startsWith("text_proj") && axis == 1;
            lengths[axis] = text ? lengths[axis] : widened(lengths[axis], times);
            elements *= lengths[axis];
        }
        float[] values = tensor.toFloats();
        float[] wide = new float[Math.toIntExact(elements)];
        float scale = lengths.length == 2 ? 1f / times : 1;
        for (int i = 0; i < wide.length; i++) {
            wide[i] = scale * values[i % values.length];
        }
        return HostTensor.of(wide, lengths);
    }

    private static long widened(long length, int times) {
        switch ((int) length) {
            case 16: // rows and columns of tokens
                return 32;
            case 12: // heads of the scan
                return 12L * times;
            case 448: // what the scan's convolution sees: x, B and C
                return 2L * NANO_WIDTH * times + 64;
            case 920: // the scan's projection: x, z, B and C of both directions, dt of both
                return 4L * NANO_WIDTH * times + 128 + 24L * times;
            default:
                return length % NANO_WIDTH == 0 ? length * times : length;
        }
    }
}
