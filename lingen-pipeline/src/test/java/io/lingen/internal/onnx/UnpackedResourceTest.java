package io.lingen.internal.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Resources of jars, which are unpacked to a cache, and again if the copy is damaged. */
class UnpackedResourceTest {
    @TempDir
    Path folder;

    @Test
    void damagedCopiesAreReplaced() throws IOException {
        byte[] content = OnnxFiles.encoder();
        Path jar = folder.resolve("lingen-unpacked-resource-test.jar");
        try (JarOutputStream entries = new JarOutputStream(Files.newOutputStream(jar))) {
            entries.putNextEntry(new JarEntry("encoder.onnx"));
            entries.write(content);
        }
        URL url = URI.create("jar:" + jar.toUri() + "!/encoder.onnx").toURL();
        Path file = UnpackedResource.file(url);
        try {
            assertArrayEquals(content, Files.readAllBytes(file));
            FileTime time = Files.getLastModifiedTime(file);
            byte[] damaged = content.clone();
            damaged[1000] = (byte) (damaged[1000] ^ 1);
            Files.write(file, damaged);
            // JavaCPP compares size and time.
            Files.setLastModifiedTime(file, time);
            assertEquals(file, UnpackedResource.file(url));
            assertArrayEquals(content, Files.readAllBytes(file));
        } finally {
            Files.delete(file);
            Files.delete(file.getParent());
        }
    }

    @Test
    void filesAreUsedInPlace() throws IOException {
        Path file = Files.write(folder.resolve("encoder.onnx"), OnnxFiles.encoder());
        Path found = UnpackedResource.file(file.toUri().toURL());
        assertEquals(file, found);
    }
}
