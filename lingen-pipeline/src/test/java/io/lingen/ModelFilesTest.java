package io.lingen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.Checksums;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.internal.ModelFiles;
import io.lingen.internal.onnx.OnnxFiles;
import io.lingen.spi.ModelFamilies;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelFilesTest {
    @TempDir
    private Path model;

    @BeforeEach
    void writeModel() throws IOException {
        TinyModel.write(model);
    }

    @Test
    void filesIncludeEverythingThatTheIndexNames() throws IOException {
        assertEquals(
                List.of(
                        "model_index.json",
                        "scheduler/config.json",
                        "text_encoder/config.json",
                        "transformer/config.json",
                        "transformer/model.safetensors",
                        "vae/config.json",
                        "vae/model.safetensors"),
                files().paths());
        giveAnEncoder();
        assertTrue(
                files().paths()
                        .containsAll(List.of(
                                "text_encoder/encoder.onnx",
                                "text_encoder/encoder.bin",
                                "text_encoder/tokenizer.json")),
                "an encoder of its own");
    }

    @Test
    void hashDependsOnlyOnTheFiles() throws IOException {
        String hash = files().hash();
        assertTrue(hash.matches("[0-9a-f]{64}"), hash);
        Files.writeString(model.resolve("README.md"), "a tiny model");
        writeSums();
        ModelFiles checked = files();
        checked.check();
        assertEquals(hash, checked.hash(), "with and without a listing");
        flip("vae/model.safetensors");
        assertNotEquals(hash, files().hash());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "model_index.json",
                "transformer/model.safetensors",
                "vae/config.json",
                "vae/model.safetensors",
                "text_encoder/encoder.onnx",
                "text_encoder/encoder.bin",
                "text_encoder/tokenizer.json"
            })
    void changedFilesAreRejectedWhileLoading(String path) throws IOException {
        giveAnEncoder();
        writeSums();
        flip(path);
        CheckpointException error = assertThrows(
                CheckpointException.class,
                () -> TextToVideoPipeline.load(
                        model.toString(), PipelineOptions.defaults().withBackend("cpu")));
        assertTrue(error.getMessage().contains("SHA256SUMS: checksum mismatch for " + path + " ("), error.getMessage());
    }

    @Test
    void unlistedFilesAreRejected() throws IOException {
        Files.writeString(model.resolve(Checksums.FILE), "");
        CheckpointException error = assertThrows(CheckpointException.class, () -> files().check());
        assertTrue(error.getMessage().contains("found none of model_index.json, scheduler"), error.getMessage());
    }

    /** The listing of the embedded model, in the format of {@code sha256sum -c}. */
    @Test
    void nanoMatchesItsChecksums() {
        try (ModelSource source = TextToVideoPipeline.source(TextToVideoPipeline.NANO)) {
            ModelFiles files = new ModelFiles(source, ModelFamilies.open(source).files());
            files.check();
            assertEquals(Checksums.read(source).sha256(), files.hash(), "nothing is listed that is not used");
        }
    }

    /** A text encoder with external data. */
    private void giveAnEncoder() throws IOException {
        Path encoder = model.resolve("text_encoder");
        Files.writeString(
                encoder.resolve("config.json"), "{\"model\": \"encoder.onnx\", \"max_tokens\": 64, \"width\": 384}");
        Files.write(encoder.resolve("encoder.onnx"), OnnxFiles.externalTable("encoder.bin"));
        Files.write(encoder.resolve("encoder.bin"), OnnxFiles.bytes(OnnxFiles.values(1, 128)));
        Files.writeString(encoder.resolve("tokenizer.json"), OnnxFiles.TOKENIZER);
    }

    private ModelFiles files() {
        ModelSource source = ModelSource.of(model);
        return new ModelFiles(source, ModelFamilies.open(source).files());
    }

    private void writeSums() throws IOException {
        Files.writeString(
                model.resolve(Checksums.FILE),
                Checksums.compute(ModelSource.of(model), files().paths()).listing());
    }

    /** Changes a byte without making the file malformed: white space, or the lowest bit of the last weight. */
    private void flip(String path) throws IOException {
        Path file = model.resolve(path);
        byte[] bytes = Files.readAllBytes(file);
        if (path.endsWith(".json")) {
            Files.writeString(file, new String(bytes, java.nio.charset.StandardCharsets.UTF_8) + " ");
        } else {
            bytes[bytes.length - 4] ^= 1;
            Files.write(file, bytes);
        }
    }
}
