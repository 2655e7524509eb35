package io.lingen.video;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The resident memory of a process with a fixed heap, so that only native memory can grow. */
@EnabledOnOs(OS.LINUX)
class VideoWritersMemoryTest {
    private static final List<String> NAMES = List.of("out.mp4", "out.webm", "out.webp", "out.gif", "frames");

    /** The limit: a third of the leak if one frame of each video, or one picture of each frame, were not freed. */
    private static final long MAX_GROWTH = 4 << 20;

    @TempDir
    Path folder;

    @Test
    void memoryDoesNotGrowWithNumberAndLength() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-Xms64m",
                        "-Xmx64m",
                        "-XX:+AlwaysPreTouch",
                        "-XX:+UseSerialGC",
                        // C2's own memory comes and goes by megabytes, whenever it has the time.
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Writers.class.getName(),
                        folder.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        List<String> lines = process.inputReader().lines().toList();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertEquals(0, process.exitValue(), lines.toString());
        assertEquals(2 * NAMES.size(), lines.size());
        for (String line : lines) {
            long growth = Long.parseLong(line.substring(line.indexOf(' ') + 1));
            assertTrue(growth < MAX_GROWTH, lines.toString());
        }
    }

    /** Prints the growth of memory in bytes over many videos of each format, and over a long video. */
    public static final class Writers {
        private Writers() {}

        public static void main(String[] args) throws IOException {
            for (String name : NAMES) {
                Path target = Path.of(args[0], name);
                writeVideos(target, 20);
                System.out.println(name + " " + growthOverVideos(target));
                System.out.println(name + " " + growthWithinVideo(target));
            }
        }

        /** The minimum over three rounds: a leak recurs in each round, a growth of the allocator does not. */
        private static long growthOverVideos(Path target) throws IOException {
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 3 && least >= MAX_GROWTH; round++) {
                long before = residentBytes();
                writeVideos(target, 60);
                least = Math.min(least, residentBytes() - before);
            }
            return least;
        }

        /** Leaves every third video unfinished. */
        private static void writeVideos(Path target, int count) throws IOException {
            VideoFormat format = new VideoFormat(256, 256, 16);
            byte[] rgb = new byte[format.frameBytes()];
            for (int i = 0; i < count; i++) {
                try (VideoWriter writer = VideoWriters.open(target, format, "x")) {
                    Arrays.fill(rgb, (byte) i);
                    writer.write(rgb);
                    writer.write(rgb);
                    if (i % 3 > 0) {
                        writer.finish();
                    }
                }
            }
        }

        private static long growthWithinVideo(Path target) throws IOException {
            VideoFormat format = new VideoFormat(128, 128, 16);
            long before = 0;
            try (VideoWriter writer = VideoWriters.open(target, format, "x")) {
                for (int i = 0; i < 360; i++) {
                    writer.write(VideoWritersTest.frame(format, i));
                    if (i == 60) {
                        before = residentBytes();
                    }
                }
                return residentBytes() - before;
            }
        }

        private static long residentBytes() throws IOException {
            System.gc();
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith("RssAnon:")) {
                    return 1024 * Long.parseLong(line.replaceAll("\\D", ""));
                }
            }
            throw new IOException("/proc/self/status names no RssAnon");
        }
    }
}
