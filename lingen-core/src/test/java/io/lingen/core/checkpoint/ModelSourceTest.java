package io.lingen.core.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ModelSourceTest {
    private static final float[] VALUES = {1, 2, 3, 4};

    @TempDir
    private Path root;

    private Path model;

    @BeforeEach
    void writeModel() throws IOException {
        model = Files.createDirectories(root.resolve("models/nano"));
        Files.writeString(model.resolve("model_index.json"), "{}");
        SafetensorsWriter.write(
                Files.createDirectories(model.resolve("vae")).resolve("model.safetensors"),
                Map.of("a", HostTensor.of(VALUES, 4)),
                Map.of());
        Path transformer = Files.createDirectories(model.resolve("transformer"));
        SafetensorsWriter.write(
                transformer.resolve("part.safetensors"), Map.of("b", HostTensor.of(VALUES, 2, 2)), Map.of());
        Files.writeString(
                transformer.resolve("model.safetensors.index.json"), "{\"weight_map\":{\"b\":\"part.safetensors\"}}");
    }

    @Test
    void folderIsAModel() {
        try (ModelSource source = ModelSource.of(model)) {
            assertModel(source);
            assertTrue(source.tensors("vae").tensor("a").memory().isMapped());
        }
    }

    @Test
    void jarIsAModel() throws IOException {
        Path jar = root.resolve("model.jar");
        try (OutputStream stream = Files.newOutputStream(jar);
                JarOutputStream entries = new JarOutputStream(stream)) {
            for (String path : new String[] {
                "model_index.json",
                "vae/model.safetensors",
                "transformer/part.safetensors",
                "transformer/model.safetensors.index.json"
            }) {
                entries.putNextEntry(new JarEntry("models/nano/" + path));
                Files.copy(model.resolve(path), entries);
            }
        }
        try (URLClassLoader loader = new URLClassLoader(new URL[] {jar.toUri().toURL()}, null);
                ModelSource source = ModelSource.ofResource(loader, "models/nano")) {
            assertModel(source);
            assertTrue(source.tensors("vae").tensor("a").memory().isNative());

            HostTensor shape = source.shapesOnly().tensors("transformer").tensor("b");
            assertEquals(Shape.of(2, 2), shape.shape());
            assertEquals(Shape.of(4), shape.reshape(4).shape());
            assertEquals(Shape.of(1, 2), shape.slice(1, 2).shape());
            assertThrows(IllegalStateException.class, shape::memory);
            assertThrows(IllegalStateException.class, shape::toFloats);
        }
    }

    @Test
    void unloadedElementsStayReadable() {
        try (ModelSource source = ModelSource.of(model)) {
            HostTensor tensor = source.tensors("vae").tensor("a");
            tensor.unload();
            assertArrayEquals(VALUES, tensor.toFloats());
        }
    }

    @Test
    void filesHaveUrls() throws IOException {
        try (ModelSource source = ModelSource.of(model)) {
            assertEquals(model.resolve("model_index.json").toUri().toURL(), source.url("model_index.json"));
            assertThrows(CheckpointException.class, () -> source.url("vae"));
            assertThrows(CheckpointException.class, () -> source.url("../nano/model_index.json"));
        }
    }

    @Test
    void resourcesInFoldersAreMapped() throws IOException {
        try (URLClassLoader loader = new URLClassLoader(new URL[] {root.toUri().toURL()}, null);
                ModelSource source = ModelSource.ofResource(loader, "models/nano")) {
            assertModel(source);
            assertTrue(source.tensors("vae").tensor("a").memory().isMapped());
        }
    }

    @Test
    void pathsCannotLeaveTheModel() {
        try (ModelSource source = ModelSource.of(model)) {
            for (String path : new String[] {"../x", "/etc/passwd", "a//b", "a/../../b", "", "c:\\x", "./a"}) {
                assertThrows(CheckpointException.class, () -> source.read(path), path);
                assertThrows(CheckpointException.class, () -> source.exists(path), path);
            }
        }
    }

    @Test
    void oversizedConfigurationsAreRejected() throws IOException {
        Files.write(model.resolve("vae/config.json"), new byte[(1 << 20) + 1]);
        try (ModelSource source = ModelSource.of(model)) {
            assertEquals(0, source.config("model_index.json").fields().size());
            CheckpointException e = assertThrows(CheckpointException.class, () -> source.config("vae/config.json"));
            assertTrue(e.getMessage().contains("at most 1048576 bytes"), e.getMessage());
        }
    }

    @Test
    void missingModelsAreNamed() {
        Path nowhere = root.resolve("nowhere");
        CheckpointException e = assertThrows(CheckpointException.class, () -> ModelSource.of(nowhere));
        assertTrue(e.getMessage().contains(nowhere.toString()), e.getMessage());
    }

    private static void assertModel(ModelSource source) {
        assertEquals("nano", source.name());
        assertTrue(source.exists("model_index.json"));
        assertFalse(source.exists("vae/config.json"));
        assertEquals("{}", new String(source.read("model_index.json"), StandardCharsets.UTF_8));
        assertThrows(CheckpointException.class, () -> source.read("vae/config.json"));
        try (SafetensorsFile vae = source.tensors("vae");
                SafetensorsFile transformer = source.tensors("transformer")) {
            assertArrayEquals(VALUES, vae.tensor("a").toFloats());
            assertArrayEquals(VALUES, transformer.tensor("b").toFloats());
        }
        CheckpointException e = assertThrows(CheckpointException.class, () -> source.tensors("text_encoder"));
        assertTrue(e.getMessage().contains("text_encoder/model.safetensors"), e.getMessage());
    }
}
