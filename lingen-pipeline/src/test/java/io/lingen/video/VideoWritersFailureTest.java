package io.lingen.video;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VideoWritersFailureTest {
    private static final VideoFormat FORMAT = new VideoFormat(64, 64, 16);

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "out.avi | use .mp4 for MP4 (H.264), .webm for WebM (VP9), .webp for animated WebP, .gif for animated GIF, or no extension for a folder of PNG frames",
                "out. | output must have a known extension",
                "frames.v2 | output must have a known extension",
                "out.png | name a folder without extension: 'out'",
                ". | output must name a file or folder",
                "a/.. | output must name a file or folder",
                "/ | output must name a file or folder",
            })
    void unknownExtensionsAreRejected(String name, String message) {
        Path target = Path.of(name);
        for (IllegalArgumentException error : List.of(
                assertThrows(IllegalArgumentException.class, () -> VideoWriters.check(target)),
                assertThrows(IllegalArgumentException.class, () -> VideoWriters.requireWritable(target)),
                assertThrows(IllegalArgumentException.class, () -> VideoWriters.open(target, FORMAT, "")))) {
            assertTrue(error.getMessage().contains(message), error.getMessage());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "out.GIF, 64, 64, 51, must be at most 50 fps",
        "out.WebP, 64, 64, 91, must be at most 90 fps",
        "out.webp, 16384, 2, 16, must be 1 to 16383 pixels",
        "out.gif, 2, 65536, 16, must be 1 to 65535 pixels",
        "out.mp4, 14, 64, 16, must be 16 to 8192 pixels",
        "out.mp4, 8194, 64, 16, must be 16 to 8192 pixels",
        "out.mp4, 4096, 2306, 16, must be at most 4096x2304 pixels",
    })
    void unsupportedSizesAndRatesAreRejected(String name, int width, int height, int fps, String message) {
        VideoFormat format = new VideoFormat(width, height, fps);
        IllegalArgumentException error =
                assertThrows(IllegalArgumentException.class, () -> VideoWriters.open(folder.resolve(name), format, ""));
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    @ParameterizedTest
    @CsvSource({
        "out.gif, 63, 61, 50",
        "out.webp, 63, 61, 90",
        "out.mp4, 4096, 2304, 1000",
        "out.mp4, 8192, 64, 1",
        "out.mp4, 16, 16, 1",
        "out.webm, 2, 2, 1000",
        "out.webm, 4098, 2, 1",
        "out.webp, 16383, 1, 1",
        "out.gif, 1, 1, 1",
        "frames, 1, 1, 1000"
    })
    void limitsAreInclusive(String name, int width, int height, int fps) throws IOException {
        VideoFormat format = new VideoFormat(width, height, fps);
        try (VideoWriter writer = VideoWriters.open(folder.resolve(name), format, "x")) {
            writer.write(new byte[format.frameBytes()]);
            writer.finish();
        }
        assertEquals("x", VideoWriters.comment(folder.resolve(name)));
    }

    @ParameterizedTest
    @CsvSource({
        "out.mp4, 16, 16",
        "out.mp4, 128, 128",
        "out.mp4, 640, 360",
        "out.mp4, 512, 512",
        "out.webm, 128, 128",
        "out.webp, 128, 128",
        "out.gif, 128, 128"
    })
    void pureNoiseIsWritten(String name, int width, int height) throws IOException {
        Path target = folder.resolve(name);
        VideoFormat format = new VideoFormat(width, height, 16);
        byte[] noise = new byte[format.frameBytes()];
        Random random = new Random(1);
        try (VideoWriter writer = VideoWriters.open(target, format, "x")) {
            for (int i = 0; i < 4; i++) {
                for (int pixel = 0; pixel < noise.length; pixel += 3) {
                    Arrays.fill(noise, pixel, pixel + 3, (byte) (random.nextBoolean() ? 255 : 0));
                }
                writer.write(noise);
            }
            writer.finish();
        }
        assertEquals("x", VideoWriters.comment(target));
    }

    @Test
    void unreadableCommentsAreRejected() {
        Path file = folder.resolve("out.mp4");
        String tooLong = "x".repeat(VideoWriters.MAX_COMMENT_BYTES + 1);
        assertThrows(IllegalArgumentException.class, () -> VideoWriters.open(file, FORMAT, tooLong));
        assertThrows(IllegalArgumentException.class, () -> VideoWriters.open(file, FORMAT, "a\0b"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"out.mp4", "out.webm", "out.webp", "out.gif", "frames"})
    void longestCommentsAreReadBack(String name) throws IOException {
        String comment = "ü" + "x".repeat(VideoWriters.MAX_COMMENT_BYTES - 2);
        try (VideoWriter writer = VideoWriters.open(folder.resolve(name), FORMAT, comment)) {
            writer.write(new byte[FORMAT.frameBytes()]);
            writer.finish();
        }
        assertEquals(comment, VideoWriters.comment(folder.resolve(name)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"out.mp4", "out.webm", "out.webp", "out.gif", "frames"})
    void unfinishedVideosKeepTheExistingOne(String name) throws IOException {
        Path target = folder.resolve(name);
        try (VideoWriter writer = VideoWriters.open(target, FORMAT, "new")) {
            writer.write(new byte[FORMAT.frameBytes()]);
        }
        assertEquals(List.of(), names());
        writeOne(target, "old");
        try (VideoWriter writer = VideoWriters.open(target, FORMAT, "new")) {
            writer.write(new byte[FORMAT.frameBytes()]);
        }
        assertEquals("old", VideoWriters.comment(target));
        writeOne(target, "new");
        assertEquals("new", VideoWriters.comment(target));
        assertEquals(List.of(name), names());
    }

    @ParameterizedTest
    @ValueSource(strings = {"out.mp4", "out.webm", "out.webp", "out.gif", "frames"})
    void finishedAndClosedWritersReject(String name) throws IOException {
        byte[] frame = new byte[FORMAT.frameBytes()];
        VideoWriter writer = VideoWriters.open(folder.resolve(name), FORMAT, "x");
        assertThrows(IllegalArgumentException.class, () -> writer.write(new byte[5]));
        writer.write(frame);
        writer.finish();
        assertThrows(IllegalStateException.class, () -> writer.write(frame));
        assertThrows(IllegalStateException.class, writer::finish);
        writer.close();
        writer.close();
        assertThrows(IllegalStateException.class, () -> writer.write(frame));
        assertThrows(IllegalStateException.class, writer::finish);
        assertEquals("x", VideoWriters.comment(folder.resolve(name)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"out.mp4", "out.webm", "out.webp", "out.gif", "frames"})
    void missingFoldersAreNamed(String name) {
        Path missing = folder.resolve("no");
        for (IOException error : List.of(
                assertThrows(IOException.class, () -> VideoWriters.open(missing.resolve(name), FORMAT, "")),
                assertThrows(IOException.class, () -> VideoWriters.requireWritable(missing.resolve(name))))) {
            assertTrue(error.getMessage().contains(missing.toString()), error.getMessage());
            assertTrue(error.getMessage().contains("create it first"), error.getMessage());
        }
    }

    @ParameterizedTest
    @EnabledOnOs(OS.LINUX)
    @ValueSource(strings = {"out.mp4", "out.webm", "out.webp", "out.gif", "frames"})
    void unwritableFoldersAreNamed(String name) {
        Path target = Path.of("/proc/self").resolve(name);
        IOException error = assertThrows(IOException.class, () -> VideoWriters.requireWritable(target));
        assertTrue(error.getMessage().contains("/proc/self"), error.getMessage());
        assertTrue(error.getMessage().contains("choose another one"), error.getMessage());
    }

    @Test
    void foldersAndFilesDoNotReplaceEachOther() throws IOException {
        Path asFile = Files.createDirectory(folder.resolve("out.mp4"));
        IOException error = assertThrows(IOException.class, () -> VideoWriters.open(asFile, FORMAT, ""));
        assertTrue(error.getMessage().contains("is a folder"), error.getMessage());
        Path asFolder = Files.createFile(folder.resolve("frames"));
        error = assertThrows(IOException.class, () -> VideoWriters.open(asFolder, FORMAT, ""));
        assertTrue(error.getMessage().contains("is not a folder"), error.getMessage());
        Path foreign = Files.createDirectory(folder.resolve("photos"));
        Files.createFile(foreign.resolve("IMG_0001.png"));
        error = assertThrows(IOException.class, () -> VideoWriters.open(foreign, FORMAT, ""));
        assertTrue(error.getMessage().contains("IMG_0001.png"), error.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {".mp4", ".webm", ".webp", ".gif", ""})
    @EnabledOnOs({OS.LINUX, OS.MAC})
    void namesWithSpecialCharactersAreWritten(String ending) throws IOException {
        Path target = folder.resolve("http: größe %05d 'a' ?b#c" + ending);
        writeOne(target, "x");
        assertEquals("x", VideoWriters.comment(target));
        assertEquals(List.of(target.getFileName().toString()), names());
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void fullDisksAreReportedAndLeaveNoFiles() throws IOException, InterruptedException {
        writeOne(folder.resolve("warm.mp4"), "the native libraries are unpacked by now");
        Files.delete(folder.resolve("warm.mp4"));
        // The largest file that the process may write stands in for a full disk: 16 KiB.
        Process process = new ProcessBuilder(
                        "bash",
                        "-c",
                        "ulimit -f 16 && exec \"$@\"",
                        "bash",
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:-UsePerfData",
                        "--enable-native-access=ALL-UNNAMED",
                        "-Xmx256m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        NoiseWriter.class.getName(),
                        folder.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        List<String> lines = process.inputReader().lines().toList();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertEquals(0, process.exitValue(), lines.toString());
        assertEquals(5, lines.size(), lines.toString());
        for (String line : lines) {
            assertTrue(line.contains("could not write " + folder), line);
            assertTrue(line.contains("File too large"), line);
        }
        assertEquals(List.of(), names());
    }

    /** Writes noise in every format until the disk is full, and prints the messages. */
    public static final class NoiseWriter {
        private NoiseWriter() {}

        public static void main(String[] args) {
            VideoFormat format = new VideoFormat(128, 128, 16);
            byte[] noise = new byte[format.frameBytes()];
            Random random = new Random(1);
            for (String name : List.of("out.mp4", "out.webm", "out.webp", "out.gif", "frames")) {
                try (VideoWriter writer = VideoWriters.open(Path.of(args[0], name), format, "x")) {
                    for (int i = 0; i < 40; i++) {
                        random.nextBytes(noise);
                        writer.write(noise);
                    }
                    writer.finish();
                } catch (IOException e) {
                    System.out.println(e.getMessage());
                }
            }
        }
    }

    private static void writeOne(Path target, String comment) throws IOException {
        try (VideoWriter writer = VideoWriters.open(target, FORMAT, comment)) {
            writer.write(new byte[FORMAT.frameBytes()]);
            writer.finish();
        }
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
