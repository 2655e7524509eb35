package io.lingen.core.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests the order of the calls that make a file durable: data first, then the name, then the folder that contains it. */
class DiskTest {
    private final List<String> calls = new ArrayList<>();

    @TempDir
    Path folder;

    @BeforeEach
    void observe() {
        Disk.observe(calls::add);
    }

    @AfterEach
    void stop() {
        Disk.observe(null);
        Thread.interrupted();
    }

    @Test
    void fileIsSynchronisedBeforeTheRenameAndFolderAfter() throws IOException {
        String partial;
        try (PartialFile file = PartialFile.of(folder.resolve("a.txt"))) {
            partial = file.path().getFileName().toString();
            Files.writeString(file.path(), "whole");
            file.commit();
        }
        assertEquals(
                List.of("sync " + partial, "rename " + partial + " a.txt", "sync-folder " + folder.getFileName()),
                calls);
    }

    @Test
    void oldFolderIsRemovedAfterTheNewOneIsInPlace() throws IOException {
        Path target = Files.createDirectory(folder.resolve("a"));
        Files.writeString(target.resolve("1"), "old");
        String partial;
        try (PartialFolder file = PartialFolder.of(target, Pattern.compile("\\d"))) {
            partial = file.path().getFileName().toString();
            Files.writeString(file.path().resolve("1"), "new");
            file.commit();
        }
        assertEquals(5, calls.size(), calls::toString);
        assertEquals("sync 1", calls.get(0));
        assertEquals("sync-folder " + partial, calls.get(1));
        assertTrue(calls.get(2).matches("rename a \\.a\\..*\\.replaced"), calls::toString);
        assertEquals("rename " + partial + " a", calls.get(3));
        assertEquals("sync-folder " + folder.getFileName(), calls.get(4));
        assertEquals("new", Files.readString(target.resolve("1")));
    }

    @Test
    void interruptsDoNotAbortWrites() throws IOException {
        Path target = folder.resolve("a.safetensors");
        Thread.currentThread().interrupt();
        SafetensorsWriter.write(target, Map.of("x", HostTensor.of(new float[] {1, 2}, 2)), Map.of());
        assertTrue(Thread.interrupted(), "the interrupt status is kept");
        assertTrue(Files.size(target) > 16);
        assertTrue(calls.contains("sync-folder " + folder.getFileName()), calls::toString);
    }
}
