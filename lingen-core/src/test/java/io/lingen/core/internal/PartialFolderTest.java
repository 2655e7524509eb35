package io.lingen.core.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class PartialFolderTest {
    private static final Pattern DIGITS = Pattern.compile("\\d+");

    @TempDir
    Path folder;

    @Test
    void appearsWhenCommitted() throws IOException {
        Path target = folder.resolve("a");
        try (PartialFolder partial = PartialFolder.of(target, DIGITS)) {
            Files.writeString(partial.path().resolve("1"), "whole");
            assertFalse(Files.exists(target));
            partial.commit();
        }
        assertEquals("whole", Files.readString(target.resolve("1")));
        assertEquals(List.of("a"), names(folder));
    }

    @Test
    void isRemovedWithItsFilesWhenClosedWithoutCommit() throws IOException {
        try (PartialFolder partial = PartialFolder.of(folder.resolve("a"), DIGITS)) {
            Files.writeString(partial.path().resolve("1"), "half");
            assertEquals(1, names(folder).size());
        }
        assertEquals(List.of(), names(folder));
    }

    @Test
    void replacesAFolderOfReplaceableFiles() throws IOException {
        Path target = Files.createDirectory(folder.resolve("a"));
        Files.writeString(target.resolve("1"), "old");
        Files.writeString(target.resolve("2"), "old");
        try (PartialFolder partial = PartialFolder.of(target, DIGITS)) {
            Files.writeString(partial.path().resolve("1"), "new");
            assertEquals(List.of("1", "2"), names(target));
            partial.commit();
        }
        assertEquals(List.of("1"), names(target));
        assertEquals("new", Files.readString(target.resolve("1")));
        assertEquals(List.of("a"), names(folder));
    }

    @Test
    void replacesNoOtherFolder() throws IOException {
        Path target = Files.createDirectory(folder.resolve("a"));
        Files.writeString(target.resolve("thesis.txt"), "old");
        IOException error = assertThrows(IOException.class, () -> PartialFolder.of(target, DIGITS));
        assertTrue(error.getMessage().contains("found thesis.txt"), error.getMessage());
        assertEquals("old", Files.readString(target.resolve("thesis.txt")));
        assertEquals(List.of("a"), names(folder));
    }

    @Test
    void subfoldersAreNotReplaceable() throws IOException {
        Path inner = Files.createDirectories(folder.resolve("a/1"));
        assertThrows(IOException.class, () -> PartialFolder.of(inner.getParent(), DIGITS));
    }

    @Test
    void filesAddedBeforeCommitAreNotReplaced() throws IOException {
        Path target = folder.resolve("a");
        try (PartialFolder partial = PartialFolder.of(target, DIGITS)) {
            Files.createDirectory(target);
            Files.writeString(target.resolve("thesis.txt"), "new");
            assertThrows(IOException.class, partial::commit);
        }
        assertEquals("new", Files.readString(target.resolve("thesis.txt")));
        assertEquals(List.of("a"), names(folder));
    }

    @Test
    void filesAreNotReplaced() throws IOException {
        Path target = Files.writeString(folder.resolve("a"), "old");
        IOException error = assertThrows(IOException.class, () -> PartialFolder.of(target, DIGITS));
        assertTrue(error.getMessage().contains("is not a folder"), error.getMessage());
    }

    @Test
    @EnabledOnOs({OS.LINUX, OS.MAC})
    void linksAreNotReplaced() throws IOException {
        Path other = Files.createDirectory(folder.resolve("other"));
        Path target = Files.createSymbolicLink(folder.resolve("a"), other);
        assertThrows(IOException.class, () -> PartialFolder.of(target, DIGITS));
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
