package example;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.CancellationToken;
import io.lingen.Generation;
import io.lingen.LatentFile;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoRequest;
import io.lingen.VideoResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs the programs of docs/guide/getting-started.md unchanged, in a JVM without flags. */
class GuideTest {
    private static final VideoRequest REQUEST =
            VideoRequest.builder("a red circle").frames(16).steps(4).seed(3).build();

    private static TextToVideoPipeline pipeline;

    @TempDir
    private Path folder;

    @BeforeAll
    static void load() {
        pipeline = TextToVideoPipeline.load("nano");
    }

    @AfterAll
    static void close() {
        pipeline.close();
    }

    @Test
    void firstProgramGeneratesVideo() throws IOException {
        VideoResult result = GettingStarted.generate("a yellow ring", folder.resolve("ring.mp4"));
        assertEquals(64, result.plan().frames());
        assertTrue(Files.size(result.video()) > 1000);
    }

    @Test
    void resumedVideoEqualsUninterruptedOne() throws IOException {
        Path uninterrupted = pipeline.generate(REQUEST, folder.resolve("uninterrupted.mp4")).video();
        Path target = folder.resolve("interrupted.mp4");
        try (Generation started = pipeline.start(REQUEST)) {
            started.saveLatents(target, 1, false);
            started.steps().next();
        }
        VideoResult resumed = Recipes.resume(pipeline, target);
        assertArrayEquals(Files.readAllBytes(uninterrupted), Files.readAllBytes(resumed.video()));
        assertFalse(Files.exists(LatentFile.pathFor(target)));
    }

    @Test
    void cancelledVideoLeavesNoFile() throws IOException {
        CancellationToken token = new CancellationToken();
        token.cancel();
        Path target = folder.resolve("cancelled.mp4");
        assertThrows(
                CancellationException.class, () -> Recipes.generateCancellable(pipeline, REQUEST, target, token));
        assertFalse(Files.exists(target));
    }

    @Test
    void previewHasAllFrames() throws IOException {
        Path preview = folder.resolve("preview");
        Recipes.preview(pipeline, REQUEST, 2, preview);
        try (Stream<Path> frames = Files.list(preview)) {
            assertEquals(16, frames.count());
        }
    }

    @Test
    void concurrentVideosAreReproducible() throws Exception {
        List<VideoResult> results =
                Recipes.generateAll(pipeline, List.of("a blue star", "a green cross", "a white square"), folder);
        for (VideoResult result : results) {
            VideoResult reproduced = Recipes.reproduce(pipeline, result.video(), folder.resolve("reproduced.mp4"));
            assertArrayEquals(Files.readAllBytes(result.video()), Files.readAllBytes(reproduced.video()));
        }
    }

    @Test
    void failuresMapToRemedies() {
        assertEquals("done", Recipes.generateOrExplain(pipeline, REQUEST, folder.resolve("valid.mp4")));
        VideoRequest oddWidth = VideoRequest.builder("a red circle").size(129, 128).build();
        String message = Recipes.generateOrExplain(pipeline, oddWidth, folder.resolve("odd.mp4"));
        assertTrue(message.startsWith("change the request"), message);
        Path missingFolder = folder.resolve("missing/out.mp4");
        assertTrue(Recipes.generateOrExplain(pipeline, REQUEST, missingFolder).startsWith("check the disk"));
    }

    /** Every Java block of the guide occurs in the sources, ignoring white space. */
    @Test
    void guideQuotesTheSources() throws IOException {
        StringBuilder sources = new StringBuilder();
        for (String name : List.of("GettingStarted.java", "Recipes.java")) {
            sources.append(normalized(Files.readString(Path.of("src/main/java/example", name))));
        }
        Pattern blocks = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);
        int blockCount = 0;
        Matcher matcher = blocks.matcher(Files.readString(Path.of("../../docs/guide/getting-started.md")));
        while (matcher.find()) {
            blockCount++;
            String block = matcher.group(1);
            assertTrue(sources.toString().contains(normalized(block)), () -> "not in the sources:\n" + block);
        }
        assertTrue(blockCount >= 5, "the guide has " + blockCount + " Java blocks");
    }

    private static String normalized(String code) {
        return code.replaceAll("\\s+", " ").strip();
    }
}
