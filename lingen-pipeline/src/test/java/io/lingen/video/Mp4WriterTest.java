package io.lingen.video;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class Mp4WriterTest {
    private static final VideoFormat FORMAT = new VideoFormat(96, 64, 16);
    private static final int FRAMES = 40;

    @TempDir
    Path folder;

    @Test
    void aPlayerSeesTheFramesThatWereWritten() throws IOException {
        Path file = folder.resolve("out.mp4");
        write(file);
        Mp4Frames video = Mp4Frames.read(file);
        assertEquals(96, video.width());
        assertEquals(64, video.height());
        assertEquals(16, video.fps());
        assertEquals("{\"seed\":7}", video.comment());
        assertEquals(FRAMES, video.frames().size());
        for (int i = 0; i < FRAMES; i++) {
            // Colour at half the resolution alone costs 36 dB on such edges.
            assertTrue(psnr(frame(i), video.frames().get(i)) > 30, "frame " + i);
        }
        assertEquals(List.of("out.mp4"), names());
    }

    @Test
    void theSameFramesGiveTheSameBytes() throws IOException {
        write(folder.resolve("a.mp4"));
        write(folder.resolve("b.mp4"));
        assertArrayEquals(Files.readAllBytes(folder.resolve("a.mp4")), Files.readAllBytes(folder.resolve("b.mp4")));
    }

    @Test
    void theIndexStandsInFront() throws IOException {
        write(folder.resolve("a.mp4"));
        String bytes =
                new String(Files.readAllBytes(folder.resolve("a.mp4")), java.nio.charset.StandardCharsets.ISO_8859_1);
        assertTrue(bytes.indexOf("moov") < bytes.indexOf("mdat"));
    }

    @Test
    void anUnfinishedVideoLeavesNothing() throws IOException {
        Path file = folder.resolve("out.mp4");
        try (VideoWriter writer = Mp4Writer.open(file, FORMAT, "")) {
            writer.write(frame(0));
        }
        assertEquals(List.of(), names());
    }

    @Test
    void anUnfinishedVideoKeepsTheOldOne() throws IOException {
        Path file = folder.resolve("out.mp4");
        Files.writeString(file, "old");
        try (VideoWriter writer = Mp4Writer.open(file, FORMAT, "")) {
            writer.write(frame(0));
        }
        assertEquals("old", Files.readString(file));
    }

    @Test
    void oddSidesAreRefusedWithTheirNeighbours() {
        IllegalArgumentException error = assertThrows(
                IllegalArgumentException.class,
                () -> Mp4Writer.open(folder.resolve("out.mp4"), new VideoFormat(97, 63, 16), ""));
        assertTrue(error.getMessage().contains("use 96x62 or 98x64"), error.getMessage());
    }

    @Test
    void aFrameOfAnotherSizeIsRefused() throws IOException {
        try (VideoWriter writer = Mp4Writer.open(folder.resolve("out.mp4"), FORMAT, "")) {
            assertThrows(IllegalArgumentException.class, () -> writer.write(new byte[5]));
        }
    }

    @Test
    void aMissingFolderIsNamed() {
        IOException error =
                assertThrows(IOException.class, () -> Mp4Writer.open(folder.resolve("no/out.mp4"), FORMAT, ""));
        assertTrue(error.getMessage().contains(folder.resolve("no").toString()), error.getMessage());
        assertTrue(error.getMessage().contains("create it first"), error.getMessage());
    }

    @Test
    void aFolderIsNotAFile() {
        IOException error = assertThrows(IOException.class, () -> Mp4Writer.open(folder, FORMAT, ""));
        assertTrue(error.getMessage().contains("is a folder"), error.getMessage());
    }

    private void write(Path file) throws IOException {
        try (VideoWriter writer = Mp4Writer.open(file, FORMAT, "{\"seed\":7}")) {
            for (int i = 0; i < FRAMES; i++) {
                writer.write(frame(i));
            }
            writer.finish();
        }
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    /** A red disc that moves to the right over navy. */
    static byte[] frame(int index) {
        byte[] rgb = new byte[FORMAT.frameBytes()];
        for (int y = 0; y < FORMAT.height(); y++) {
            for (int x = 0; x < FORMAT.width(); x++) {
                boolean inside = Math.hypot(x - (10 + 2 * index) % 96, y - 32) < 14;
                int at = 3 * (y * FORMAT.width() + x);
                rgb[at] = (byte) (inside ? 230 : 15);
                rgb[at + 1] = (byte) (inside ? 40 : 20);
                rgb[at + 2] = (byte) (inside ? 40 : 70);
            }
        }
        return rgb;
    }

    private static double psnr(byte[] expected, byte[] found) {
        double sum = 0;
        for (int i = 0; i < expected.length; i++) {
            double error = (expected[i] & 0xFF) - (found[i] & 0xFF);
            sum += error * error;
        }
        return 10 * Math.log10(255.0 * 255.0 * expected.length / sum);
    }
}
