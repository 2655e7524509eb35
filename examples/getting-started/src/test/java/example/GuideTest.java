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

/** The guide's programs run as they stand, in a JVM without flags. */
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
    void firstProgramMakesAVideo() throws IOException {
        VideoResult result = GettingStarted.make("a yellow ring", folder.resolve("ring.mp4"));
        assertEquals(64, result.plan().frames());
        assertTrue(Files.size(result.video()) > 1000);
    }

    @Test
    void resumedVideoIsTheUninterruptedOne() throws IOException {
        Path whole = pipeline.generate(REQUEST, folder.resolve("whole.mp4")).video();
        Path target = folder.resolve("interrupted.mp4");
        try (Generation begun = pipeline.start(REQUEST)) {
            begun.saveLatents(target, 1, false);
            begun.steps().next();
        }
        VideoResult resumed = Recipes.resume(pipeline, target);
        assertArrayEquals(Files.readAllBytes(whole), Files.readAllBytes(resumed.video()));
        assertFalse(Files.exists(LatentFile.besides(target)));
    }

    @Test
    void cancelledVideoLeavesNothingWhole() throws IOException {
        CancellationToken token = new CancellationToken();
        token.cancel();
        Path target = folder.resolve("cancelled.mp4");
        assertThrows(
                CancellationException.class, () -> Recipes.stoppable(pipeline, REQUEST, target, token));
        assertFalse(Files.exists(target));
    }

    @Test
    void previewHasTheVideosFrames() throws IOException {
        Path preview = folder.resolve("preview");
        Recipes.preview(pipeline, REQUEST, 2, preview);
        try (Stream<Path> frames = Files.list(preview)) {
            assertEquals(16, frames.count());
        }
    }

    @Test
    void severalAtOnceAndEachAgain() throws Exception {
        List<VideoResult> results =
                Recipes.several(pipeline, List.of("a blue star", "a green cross", "a white square"), folder);
        for (VideoResult result : results) {
            VideoResult again = Recipes.again(pipeline, result.video(), folder.resolve("again.mp4"));
            assertArrayEquals(Files.readAllBytes(result.video()), Files.readAllBytes(again.video()));
        }
    }

    @Test
    void failuresAreToldApart() {
        assertEquals("done", Recipes.explain(pipeline, REQUEST, folder.resolve("fine.mp4")));
        VideoRequest odd = VideoRequest.builder("a red circle").size(129, 128).build();
        assertTrue(Recipes.explain(pipeline, odd, folder.resolve("odd.mp4")).startsWith("ask for something else"));
        Path nowhere = folder.resolve("missing/out.mp4");
        assertTrue(Recipes.explain(pipeline, REQUEST, nowhere).startsWith("look at the disk"));
    }

    /** Every Java block of these pages stands in the sources, apart from white space. */
    @Test
    void guideQuotesWhatIsTested() throws IOException {
        StringBuilder sources = new StringBuilder();
        for (String name : List.of("GettingStarted.java", "Recipes.java")) {
            sources.append(words(Files.readString(Path.of("src/main/java/example", name))));
        }
        Pattern blocks = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);
        int found = 0;
        Matcher matcher = blocks.matcher(Files.readString(Path.of("../../docs/guide/getting-started.md")));
        while (matcher.find()) {
            found++;
            assertTrue(sources.toString().contains(words(matcher.group(1))), () -> "not in the sources:\n" + matcher.group(1));
        }
        assertTrue(found >= 5, "the guide has " + found + " Java blocks");
    }

    private static String words(String code) {
        return code.replaceAll("\\s+", " ").strip();
    }
}
