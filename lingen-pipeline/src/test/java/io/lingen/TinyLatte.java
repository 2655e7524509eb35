package io.lingen;

import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.core.internal.PhiloxNormal;
import io.lingen.internal.t5.TinyT5;
import io.lingen.internal.text.TinyCheckpoint;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Latte models of the golden files: 3 frames at 8 fps; 40x24 pixels without text, 32x32 with it. */
public final class TinyLatte {
    private static final String FIXTURES = "io/lingen/fixtures/";
    private static final int TEXT_WIDTH = 384;

    private TinyLatte() {}

    /** Writes the model of a condition, "none", "class" or "text", into a folder and returns it. */
    public static Path write(Path folder, String condition) throws IOException {
        component(folder, "latte-" + condition, "transformer");
        component(folder, "vae-sd", "vae");
        boolean text = condition.equals("text");
        if (text) {
            text(
                    folder.resolve("text_encoder/config.json"),
                    "{\"model\": \"embedded:all-minilm-l6-v2\", \"max_tokens\": 64, \"width\": " + TEXT_WIDTH + "}");
        }
        text(
                folder.resolve("scheduler/config.json"),
                text
                        ? "{\"sampler\": \"ddim\", \"schedule\": \"leading\", \"steps\": 4, \"guidance\": 5.0}"
                        : "{\"sampler\": \"ddpm\", \"schedule\": \"even\", \"steps\": 4, \"guidance\": "
                                + (condition.equals("none") ? 1 : 3) + "}");
        text(
                folder.resolve("model_index.json"),
                "{\"format\": \"lingen\", \"version\": 1, \"fps\": 8, \"components\": {\"transformer\": \"transformer\","
                        + " \"vae\": \"vae\", \"scheduler\": \"scheduler\""
                        + (text ? ", \"text_encoders\": [\"text_encoder\"]" : "") + "}}");
        return folder;
    }

    /** Writes a text model with a T5 encoder in place of the ONNX encoder into a folder and returns it. */
    public static Path writeWithT5(Path folder) throws IOException {
        write(folder, "text");
        component(folder, "latte-text", "transformer", TinyT5.WIDTH);
        new TinyT5(false).write(folder);
        Files.move(folder.resolve(TinyCheckpoint.TOKENIZER), folder.resolve("text_encoder/tokenizer.json"));
        return folder;
    }

    private static void component(Path folder, String fixture, String name) throws IOException {
        component(folder, fixture, name, TEXT_WIDTH);
    }

    private static void component(Path folder, String fixture, String name, int textWidth) throws IOException {
        try (ModelSource source = ModelSource.ofResource(TinyLatte.class.getClassLoader(), FIXTURES + fixture);
                SafetensorsFile file = source.tensors(name)) {
            String json = new String(source.read(name + "/config.json"), StandardCharsets.UTF_8);
            Map<String, HostTensor> tensors = new LinkedHashMap<>();
            file.names().forEach(tensor -> tensors.put(tensor, file.tensor(tensor)));
            String projection = "caption_projection.linear_1.weight";
            if (tensors.containsKey(projection)) {
                json = json.replaceAll("(?s)\"text_dims\": *\\[.*?\\]", "\"text_dims\": [" + textWidth + "]");
                long d = tensors.get(projection).shape().length(0);
                float[] values = new float[(int) d * textWidth];
                PhiloxNormal.fill(1, 0, values, 0, values.length);
                tensors.put(projection, HostTensor.of(values, d, textWidth));
            }
            text(folder.resolve(name + "/config.json"), json);
            SafetensorsWriter.write(folder.resolve(name + "/model.safetensors"), tensors, Map.of());
        }
    }

    private static void text(Path file, String content) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, content);
    }
}
