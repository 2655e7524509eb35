package io.lingen.core.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PartialNameTest {
    @TempDir
    Path folder;

    @Test
    void namesAreParsed() {
        PartialName name = PartialName.of(Path.of("a-1.b.mp4"), 7);
        assertEquals(name, PartialName.parse(name.toString(), ".a-1.b.mp4.", PartialName.SUFFIX));
        assertFalse(name.isOfDeadProcess());
    }

    @Test
    void otherNamesAreNotParsed() {
        for (String name : List.of(
                ".a.mp4.partial", ".a.mp4.h-1-2-3.partial", ".a.mp4.h-1-2-3-4.partial~", ".a.mp4.h-1-2-3-x.partial")) {
            assertNull(PartialName.parse(name, ".a.mp4.", PartialName.SUFFIX), name);
        }
        assertNull(PartialName.parse(".a.mp4.h-1-2-3-99999999999999999999.partial", ".a.mp4.", PartialName.SUFFIX));
    }

    @Test
    void deathIsKnownOnlyForProcessesOfThisHost() {
        PartialName own = PartialName.of(Path.of("a"), 1);
        long later = own.startMillis() + 60_000;
        assertTrue(new PartialName(".a.", own.host(), own.namespace(), own.pid(), later, 1).isOfDeadProcess());
        long none = 1L << 40;
        assertTrue(new PartialName(".a.", own.host(), own.namespace(), none, later, 1).isOfDeadProcess());
        assertFalse(new PartialName(".a.", own.host() + "x", own.namespace(), none, later, 1).isOfDeadProcess());
        assertFalse(new PartialName(".a.", own.host(), own.namespace() + 1, none, later, 1).isOfDeadProcess());
    }

    @Test
    void longestTargetNameHasAPartialFile() throws IOException {
        Path target = folder.resolve("x".repeat(255));
        try (PartialFile file = PartialFile.of(target)) {
            file.commit();
        }
        assertTrue(Files.exists(target));
    }

    @Test
    void nextRunRemovesOnlyFilesOfKilledProcesses() throws IOException, InterruptedException {
        Path target = folder.resolve("killed.txt");
        Path alive = folder.resolve(PartialName.of(target, 1_000_000).toString());
        Files.createFile(alive);
        Path foreign = Files.createFile(folder.resolve(".killed.txt.elsewhere-1-2-3-4.partial"));
        Path users = Files.createFile(folder.resolve(".killed.txt.partial"));
        Path dead = killedWriterOf(target);
        Path other =
                Files.createFile(folder.resolve(dead.getFileName().toString().replace(".killed.txt.", ".other.txt.")));
        assertTrue(Files.exists(dead));
        PartialFile.of(target).close();
        assertEquals(Stream.of(alive, foreign, users, other).sorted().toList(), files());
    }

    @Test
    void interruptedRemovalIsCompleted() throws IOException, InterruptedException {
        Path target = folder.resolve("frames");
        Path dead = killedWriterOf(target);
        for (String suffix : List.of(".partial.removed", ".replaced.removed")) {
            String name = dead.getFileName().toString().replaceFirst("\\.partial$", suffix);
            Files.writeString(Files.createDirectory(folder.resolve(name)).resolve("1"), "old");
        }
        PartialFolder.of(target, Pattern.compile("\\d")).close();
        assertEquals(List.of(), files());
    }

    @Test
    void interruptedReplacementIsRestored() throws IOException, InterruptedException {
        Path target = folder.resolve("frames");
        Path dead = killedWriterOf(target);
        String replaced = dead.getFileName().toString().replaceFirst("\\.partial$", ".replaced");
        Files.writeString(Files.createDirectory(folder.resolve(replaced)).resolve("1"), "old");
        PartialFolder.of(target, Pattern.compile("\\d")).close();
        assertEquals("old", Files.readString(target.resolve("1")));
        assertEquals(List.of(target), files());
    }

    @Test
    void abandonedFilesAreRemovedEvenIfThisProcessWroteTheTarget() throws IOException, InterruptedException {
        Path target = folder.resolve("killed.txt");
        PartialFile.of(target).close();
        Path dead = killedWriterOf(target);
        assertTrue(Files.exists(dead));
        PartialFile.removeAbandoned(target);
        assertEquals(List.of(), files());
    }

    /** Kills a process that is writing a target and returns the partial file that it left. */
    private static Path killedWriterOf(Path target) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        PartialFileTest.Opener.class.getName(),
                        target.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (BufferedReader lines = process.inputReader()) {
            Path path = Path.of(lines.readLine());
            process.destroyForcibly();
            assertTrue(process.waitFor(60, TimeUnit.SECONDS));
            return path;
        }
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }
}
