package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.TextToVideoPipeline;
import io.lingen.VideoRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Many clips in one process: all native memory of a clip is freed, so that the resident memory stays constant. */
class SteadyMemoryTest {
    private static final int CLIPS = 200;
    private static final int WARM_UP = 40;
    private static final int VARIED_CLIPS = 80;
    private static final int VARIED_WARM_UP = 40;
    /**
     * The growth caused by the optimizing compiler over hundreds of clips (measured: 28 MB with it, 2 MB without it), and by cached primitives.
     */
    private static final long GROWTH = 40_000_000;

    @TempDir
    Path folder;

    @Test
    void memoryIsSteadyOverManyClips() throws IOException, InterruptedException {
        assertSteady(CLIPS, WARM_UP, false);
    }

    @Test
    void memoryIsSteadyOverManySizesAndPrompts() throws IOException, InterruptedException {
        assertSteady(VARIED_CLIPS, VARIED_WARM_UP, true);
    }

    private void assertSteady(int clips, int warmUp, boolean varied) throws IOException, InterruptedException {
        Path report = folder.resolve("report.txt");
        MeasuredProcess.run(Clips.class, folder, report, clips, warmUp, varied);
        List<String> resident = Files.readAllLines(report);
        assertEquals(2, resident.size());
        long warm = Long.parseLong(resident.get(0));
        long end = Long.parseLong(resident.get(1));
        String figures = (varied ? "varied" : "equal") + " clips: " + warm + " bytes after " + warmUp + ", " + end
                + " after " + clips;
        System.getLogger(SteadyMemoryTest.class.getName()).log(System.Logger.Level.INFO, figures);
        assertTrue(end - warm <= GROWTH, figures);
    }

    /** Generates clips of half a second with one step each. */
    static final class Clips {
        private Clips() {}

        /** @param arguments the report's path, the number of clips, how many warm up, whether they differ */
        public static void main(String[] arguments) throws IOException {
            int clips = Integer.parseInt(arguments[1]);
            int warmUp = Integer.parseInt(arguments[2]);
            boolean varied = Boolean.parseBoolean(arguments[3]);
            Path report = Path.of(arguments[0]);
            Random random = new Random(1);
            long warm = 0;
            try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(TextToVideoPipeline.NANO)) {
                for (int clip = 0; clip < clips; clip++) {
                    int width = varied ? 32 * (1 + random.nextInt(8)) : 32;
                    int height = varied ? 32 * (1 + random.nextInt(8)) : 32;
                    int words = varied ? 1 + random.nextInt(40) : 3;
                    VideoRequest request = VideoRequest.builder("a" + " ring".repeat(words))
                            .size(width, height)
                            .frames(8)
                            .steps(1)
                            .seed(clip)
                            .build();
                    pipeline.generate(request, report.resolveSibling("clip.mp4"));
                    if (clip + 1 == warmUp) {
                        warm = MeasuredProcess.resident("VmRSS");
                    }
                }
                Files.writeString(report, warm + "\n" + MeasuredProcess.resident("VmRSS") + "\n");
            }
        }
    }
}
