package io.lingen.video;

import static org.bytedeco.ffmpeg.global.avutil.AVCOL_SPC_SMPTE170M;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VideoWritersTest {
    private static final VideoFormat FORMAT = new VideoFormat(96, 64, 16);
    private static final VideoFormat ODD = new VideoFormat(97, 63, 16);
    private static final int FRAMES = 40;
    private static final String COMMENT = "{\"prompt\":\"a \\\"ring\\\", größer: ◯\",\"seed\":7}";

    @TempDir
    Path folder;

    // Color at half the resolution alone costs 36 dB on such edges; a palette of 255 colors, dithered, about as much.
    @ParameterizedTest
    @CsvSource({"out.mp4, 30", "out.webm, 30", "out.webp, 30", "out.gif, 34", "frames, Infinity"})
    void decodedFramesMatchTheWrittenOnes(String name, double leastPsnr) throws IOException {
        Path file = folder.resolve(name);
        write(file, FORMAT, COMMENT);
        List<byte[]> frames = decode(file, FORMAT);
        assertEquals(FRAMES, frames.size());
        for (int i = 0; i < FRAMES; i++) {
            double psnr = psnr(frame(FORMAT, i), frames.get(i));
            assertTrue(psnr >= leastPsnr, "frame " + i + ": " + psnr + " dB");
        }
        assertEquals(COMMENT, VideoWriters.comment(file));
        assertEquals(List.of(name), names());
    }

    @ParameterizedTest
    @ValueSource(strings = {"out.mp4", "out.webm"})
    void containersDeclareRateColoursAndComment(String name) throws IOException {
        Path file = folder.resolve(name);
        write(file, FORMAT, COMMENT);
        Mp4Frames video = Mp4Frames.read(file);
        assertEquals(16, video.fps());
        assertEquals(AVCOL_SPC_SMPTE170M, video.colours());
        assertEquals(COMMENT, video.comment());
    }

    @ParameterizedTest
    @ValueSource(strings = {"out.webp", "out.gif", "frames"})
    void oddSidesAreWritten(String name) throws IOException {
        Path file = folder.resolve(name);
        write(file, ODD, COMMENT);
        List<byte[]> frames = decode(file, ODD);
        assertEquals(FRAMES, frames.size());
        for (int i = 0; i < FRAMES; i++) {
            assertTrue(psnr(frame(ODD, i), frames.get(i)) >= 30, "frame " + i);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"out.mp4", "out.webm"})
    void oddSidesAreRejectedWithTheNearestEvenOnes(String name) throws IOException {
        Path file = folder.resolve(name);
        IllegalArgumentException error =
                assertThrows(IllegalArgumentException.class, () -> VideoWriters.open(file, ODD, ""));
        assertTrue(error.getMessage().contains("use 96x62 or 98x64"), error.getMessage());
        assertEquals(List.of(), names());
    }

    @ParameterizedTest
    @ValueSource(strings = {"out.mp4", "out.webm", "out.webp", "out.gif", "frames"})
    void equalFramesGiveEqualBytes(String name) throws IOException {
        Path a = Files.createDirectory(folder.resolve("a")).resolve(name);
        Path b = Files.createDirectory(folder.resolve("b")).resolve(name);
        write(a, FORMAT, COMMENT);
        write(b, FORMAT, COMMENT);
        List<Path> files = files(a);
        assertEquals(name.equals("frames") ? FRAMES : 1, files.size());
        for (Path file : files) {
            Path twin = b.resolveSibling(b.getParent().resolve(a.getParent().relativize(file)));
            assertArrayEquals(Files.readAllBytes(file), Files.readAllBytes(twin), file.toString());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"out.mp4", "out.webm", "out.webp", "out.gif"})
    void concurrentWritersDoNotInterfere(String name) throws Exception {
        Path alone = folder.resolve(name);
        write(alone, FORMAT, COMMENT);
        try (ExecutorService threads = Executors.newFixedThreadPool(3)) {
            List<Future<Path>> files = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                Path file = folder.resolve(i + name);
                files.add(threads.submit(() -> {
                    write(file, FORMAT, COMMENT);
                    return file;
                }));
            }
            for (Future<Path> file : files) {
                assertEquals(-1, Files.mismatch(alone, file.get()));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"out.mp4", "out.webm", "out.webp", "out.gif", "frames"})
    void videosOfOneFrameAreComplete(String name) throws IOException {
        Path file = folder.resolve(name);
        try (VideoWriter writer = VideoWriters.open(file, FORMAT, COMMENT)) {
            writer.write(frame(FORMAT, 0));
            writer.finish();
        }
        assertEquals(COMMENT, VideoWriters.comment(file));
        assertEquals(1, decode(file, FORMAT).size());
    }

    @ParameterizedTest
    @CsvSource({"out.mp4, moov, mdat", "out.webm, '\u001CS\u00BBk', '\u001FC\u00B6u'"})
    void indexPrecedesTheData(String name, String index, String data) throws IOException {
        Path file = folder.resolve(name);
        write(file, FORMAT, COMMENT);
        String bytes = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
        int indexAt = bytes.indexOf(index);
        int dataAt = bytes.indexOf(data);
        assertTrue(indexAt > 0 && indexAt < dataAt, indexAt + " " + dataAt);
    }

    @Test
    void animationsLoopForeverAtTheRate() throws IOException {
        write(folder.resolve("out.webp"), FORMAT, COMMENT);
        WebpFrames webp = WebpFrames.read(folder.resolve("out.webp"));
        assertEquals(0, webp.loops());
        assertEquals(2500, webp.durations().stream().mapToInt(i -> i).sum(), 63);

        write(folder.resolve("out.gif"), FORMAT, COMMENT);
        String gif = new String(Files.readAllBytes(folder.resolve("out.gif")), StandardCharsets.ISO_8859_1);
        assertTrue(gif.contains("NETSCAPE2.0\u0003\u0001\0\0\0"));
        List<Integer> delays = new ArrayList<>();
        for (int at = gif.indexOf("!\u00F9\u0004"); at >= 0; at = gif.indexOf("!\u00F9\u0004", at + 1)) {
            delays.add(gif.charAt(at + 4) + 256 * gif.charAt(at + 5));
        }
        assertEquals(250, delays.stream().mapToInt(i -> i).sum(), 1, delays.toString());
    }

    private static void write(Path file, VideoFormat format, String comment) throws IOException {
        try (VideoWriter writer = VideoWriters.open(file, format, comment)) {
            for (int i = 0; i < FRAMES; i++) {
                writer.write(frame(format, i));
            }
            writer.finish();
        }
    }

    private static List<byte[]> decode(Path file, VideoFormat format) throws IOException {
        if (file.toString().endsWith(".webp")) {
            return WebpFrames.read(file).frames();
        }
        if (!Files.isDirectory(file)) {
            return Mp4Frames.read(file).frames();
        }
        List<byte[]> frames = new ArrayList<>();
        for (Path picture : files(file)) {
            BufferedImage image = ImageIO.read(picture.toFile());
            byte[] rgb = new byte[format.frameBytes()];
            for (int i = 0; i < rgb.length; i++) {
                int pixel = i / 3;
                rgb[i] = (byte) (image.getRGB(pixel % format.width(), pixel / format.width()) >> 16 - 8 * (i % 3));
            }
            frames.add(rgb);
        }
        return frames;
    }

    private static List<Path> files(Path path) throws IOException {
        try (Stream<Path> files = Files.walk(path)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    /** A red disc that moves to the right over a navy background that gets lighter towards the bottom. */
    static byte[] frame(VideoFormat format, int index) {
        byte[] rgb = new byte[format.frameBytes()];
        for (int y = 0; y < format.height(); y++) {
            for (int x = 0; x < format.width(); x++) {
                boolean inside = Math.hypot(x - (10 + 2 * index) % 96, y - 32) < 14;
                int at = 3 * (y * format.width() + x);
                rgb[at] = (byte) (inside ? 230 : 15);
                rgb[at + 1] = (byte) (inside ? 40 : 20 + y);
                rgb[at + 2] = (byte) (inside ? 40 : 70 + y);
            }
        }
        return rgb;
    }

    static double psnr(byte[] expected, byte[] found) {
        double sum = 0;
        for (int i = 0; i < expected.length; i++) {
            double error = (expected[i] & 0xFF) - (found[i] & 0xFF);
            sum += error * error;
        }
        return 10 * Math.log10(255.0 * 255.0 * expected.length / sum);
    }
}
