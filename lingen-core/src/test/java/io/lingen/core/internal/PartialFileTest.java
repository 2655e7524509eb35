package io.lingen.core.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PartialFileTest {
    @TempDir
    Path folder;

    @Test
    void appearsWhenCommitted() throws IOException {
        Path target = folder.resolve("a.txt");
        try (PartialFile file = PartialFile.of(target)) {
            Files.writeString(file.path(), "whole");
            assertFalse(Files.exists(target));
            assertEquals(folder, file.path().getParent());
            file.commit();
        }
        assertEquals("whole", Files.readString(target));
    }

    @Test
    void isRemovedWhenClosedWithoutCommit() throws IOException {
        Path path;
        try (PartialFile file = PartialFile.of(folder.resolve("a.txt"))) {
            path = file.path();
            assertTrue(Files.exists(path));
        }
        assertFalse(Files.exists(path));
        assertFalse(Files.exists(folder.resolve("a.txt")));
    }

    @Test
    void partialFilesOfOneTargetDiffer() throws IOException {
        try (PartialFile a = PartialFile.of(folder.resolve("a.txt"));
                PartialFile b = PartialFile.of(folder.resolve("a.txt"))) {
            assertFalse(a.path().equals(b.path()));
        }
    }

    @Test
    void missingFolderIsNamed() {
        assertThrows(NoSuchFileException.class, () -> PartialFile.of(folder.resolve("no/a.txt")));
    }

    @Test
    void isRemovedWhenTheJvmIsInterrupted() throws IOException, InterruptedException {
        Path target = folder.resolve("a.txt");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Opener.class.getName(),
                        target.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (BufferedReader lines = process.inputReader()) {
            Path path = Path.of(lines.readLine());
            assertTrue(Files.exists(path));
            process.destroy();
            assertTrue(process.waitFor(60, TimeUnit.SECONDS));
            assertFalse(Files.exists(path));
        }
    }

    /** Opens a partial file, prints its path and waits until the process is ended. */
    public static final class Opener {
        private Opener() {}

        public static void main(String[] args) throws IOException, InterruptedException {
            PartialFile file = PartialFile.of(Path.of(args[0]));
            System.out.println(file.path());
            Thread.sleep(60_000);
        }
    }
}
