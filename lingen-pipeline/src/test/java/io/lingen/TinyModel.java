package io.lingen;

import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.core.internal.PhiloxNormal;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * A complete model with random weights, composed of the denoiser and the decoder of the golden files: 24x24 pixels, 16 frames in one second,
 * sizes in steps of 4x6 pixels and 4 frames.
 */
public final class TinyModel {
    private static final String FIXTURES = "io/lingen/fixtures/";
    private static final int TEXT_WIDTH = 384;

    private TinyModel() {}

    /** Writes the model into a folder and returns it. */
    public static Path write(Path folder) throws IOException {
        component(folder, "lingen-default", "transformer", TinyModel::widenText, TinyModel::widenText);
        component(folder, "vae-plain", "vae", UnaryOperator.identity(), UnaryOperator.identity());
        text(
                folder.resolve("text_encoder/config.json"),
                "{\"model\": \"embedded:all-minilm-l6-v2\", \"max_tokens\": 64, \"width\": 384}");
        text(
                folder.resolve("scheduler/config.json"),
                "{\"schedule\": \"linear_quadratic\", \"steps\": 4, \"guidance\": 3.0}");
        text(
                folder.resolve("model_index.json"),
                "{\"format\": \"lingen\", \"version\": 1, \"fps\": 16,"
                        + " \"components\": {\"transformer\": \"transformer\", \"vae\": \"vae\","
                        + " \"text_encoders\": [\"text_encoder\"], \"scheduler\": \"scheduler\"},"
                        + " \"native\": {\"width\": 24, \"height\": 24, \"seconds\": 1}}");
        return folder;
    }

    /** Adds a thesaurus to such a model, in the file "words.tsv". */
    public static void addThesaurus(Path folder, String words) throws IOException {
        Path index = folder.resolve("model_index.json");
        text(
                index,
                Files.readString(index)
                        .replace("\"components\": {", "\"components\": {\"thesaurus\": \"words.tsv\", "));
        text(folder.resolve("words.tsv"), words);
    }

    private static void component(
            Path folder,
            String fixture,
            String name,
            UnaryOperator<String> config,
            UnaryOperator<Map<String, HostTensor>> weights)
            throws IOException {
        try (ModelSource source = ModelSource.ofResource(TinyModel.class.getClassLoader(), FIXTURES + fixture);
                SafetensorsFile file = source.tensors(name)) {
            String json = new String(source.read(name + "/config.json"), StandardCharsets.UTF_8);
            text(folder.resolve(name + "/config.json"), config.apply(json));
            Map<String, HostTensor> tensors = new LinkedHashMap<>();
            file.names().forEach(tensor -> tensors.put(tensor, file.tensor(tensor)));
            SafetensorsWriter.write(folder.resolve(name + "/model.safetensors"), weights.apply(tensors), Map.of());
        }
    }

    private static String widenText(String json) {
        return json.replaceAll("(?s)\"text_dims\": *\\[.*?\\]", "\"text_dims\": [" + TEXT_WIDTH + "]");
    }

    private static Map<String, HostTensor> widenText(Map<String, HostTensor> tensors) {
        long width = tensors.get("text_proj.0.weight").shape().length(0);
        float[] values = new float[(int) width * TEXT_WIDTH];
        PhiloxNormal.fill(1, 0, values, 0, values.length);
        tensors.put("text_proj.0.weight", HostTensor.of(values, width, TEXT_WIDTH));
        return tensors;
    }

    private static void text(Path file, String content) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, content);
    }
}
