package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lingen.Generation;
import io.lingen.LatentFile;
import io.lingen.TextToVideoPipeline;
import io.lingen.TinyModel;
import io.lingen.VideoProvenance;
import io.lingen.VideoRequest;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code lingen batch} and {@code generate --count}, on a tiny model of random weights. */
class BatchTest {
    @TempDir
    static Path model;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeModel() throws IOException {
        TinyModel.write(model);
    }

    @Test
    void countMakesVideosOfEveryPrompt() throws IOException {
        CommandRun run = batch("a red ring\na blue ring\n", "--count", 2, "--seed", 5);
        assertEquals(0, run.code(), run.err());
        assertEquals("", run.out());
        assertTrue(run.err().contains("4 videos: 4 made, 0 skipped, 0 failed"), run.err());
        assertEquals(List.of("clip-0001.mp4", "clip-0002.mp4", "clip-0003.mp4", "clip-0004.mp4"), videos());
        assertMade(1, "a red ring", 5);
        assertMade(2, "a red ring", 6);
        assertMade(3, "a blue ring", 5);
        assertMade(4, "a blue ring", 6);

        Path single = folder.resolve("single.mp4");
        assertEquals(0, generate("a blue ring", "-o", single, "--seed", 6).code());
        assertEquals(-1, Files.mismatch(single, folder.resolve("clip-0004.mp4")), "as if it were made alone");
    }

    @Test
    void completeVideosAreSkipped() throws IOException {
        assertEquals(0, batch("a\nb\nc\n").code());
        Path old = folder.resolve("clip-0001.mp4");
        FileTime then = FileTime.fromMillis(1_000_000);
        Files.setLastModifiedTime(old, then);
        Files.delete(folder.resolve("clip-0002.json"));
        Files.delete(folder.resolve("clip-0003.mp4"));

        CommandRun run = batch("a\nb\nc\n");
        assertEquals(0, run.code(), run.err());
        assertTrue(run.err().contains("3 videos: 2 made, 1 skipped, 0 failed"), run.err());
        assertEquals(then, Files.getLastModifiedTime(old));

        run = batch("a\nb\nother\n", "--json");
        assertTrue(run.err().contains("3 videos: 1 made, 2 skipped, 0 failed"), run.err());
        assertMade(3, "other", 0);
        assertEquals(List.of("skipped", "skipped", "made"), statuses(run.out()));

        Files.copy(old, folder.resolve("clip-0002.mp4"), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        assertTrue(batch("a\nb\nother\n").err().contains("1 made, 2 skipped"), "a video under another's name");
        assertMade(2, "b", 0);
    }

    @Test
    void shardsCoverTheBatch() throws IOException {
        String prompts = "a\nb\nc\n";
        assertEquals(0, batch(prompts, "--count", 2, "--shard", "1/4").code());
        assertEquals(List.of("clip-0001.mp4", "clip-0005.mp4"), videos());
        assertEquals(0, batch(prompts, "--count", 2, "--shard", "2/4").code());
        assertEquals(0, batch(prompts, "--count", 2, "--shard", "3/4").code());
        assertEquals(5, videos().size());
        CommandRun whole = batch(prompts, "--count", 2);
        assertTrue(whole.err().contains("6 videos: 1 made, 5 skipped, 0 failed"), whole.err());
        CommandRun none = batch(prompts, "--shard", "9/9");
        assertEquals(0, none.code(), "a shard may be empty");
        assertTrue(none.err().contains("0 videos"), none.err());
    }

    @Test
    void failuresDoNotStopOtherVideos() throws IOException {
        Files.createDirectory(folder.resolve("clip-0003.mp4"));
        Path prompts = Files.writeString(folder.resolve("prompts.jsonl"), """
                {"prompt": "a", "width": 25, "height": 24}
                {"prompt": "b", "steps": "many"}
                {"prompt": "c"}
                {"prompt": "d", "seed": 3}
                """);
        CommandRun run = run("batch", prompts, "-o", folder.resolve("clip.mp4"), "--json");
        assertEquals(1, run.code());
        assertTrue(
                run.err().contains("clip-0001.mp4: " + prompts + ", line 1: width must be a multiple of 4"), run.err());
        assertTrue(
                run.err().contains("clip-0002.mp4: " + prompts + ", line 2: field 'steps': found \"many\""), run.err());
        assertTrue(run.err().contains("clip-0003.mp4: " + prompts + ", line 3: "), run.err());
        assertTrue(run.err().indexOf("line 2") < run.err().indexOf("denoising"), "said before the first is made");
        assertTrue(run.err().endsWith("4 videos: 1 made, 0 skipped, 3 failed" + System.lineSeparator()), run.err());
        assertMade(4, "d", 3);
        assertEquals(List.of("failed", "failed", "failed", "made"), statuses(run.out()));
    }

    @Test
    void interruptedVideosAreResumed() throws IOException {
        Path whole = folder.resolve("whole.mp4");
        assertEquals(0, generate("a ring", "-o", whole, "--steps", 3).code());
        Path video = folder.resolve("clip-0001.mp4");
        interrupt("a ring", video);
        Path latents = LatentFile.pathFor(video);
        Files.copy(latents, LatentFile.pathFor(folder.resolve("clip-0002.mp4")));
        Files.writeString(LatentFile.pathFor(folder.resolve("clip-0003.mp4")), "no latents");

        CommandRun run = batch("a ring", "--steps", 3, "--count", 3);
        assertEquals(0, run.code(), run.err());
        assertTrue(run.err().contains("resuming   at step 1 of 3, from " + latents), run.err());
        assertEquals(1, run.err().split("resuming").length - 1, "of that description only");
        assertEquals(-1, Files.mismatch(whole, video));
        assertFalse(Files.exists(latents));
    }

    /** One prompt changes after the interruption, and a file of the user has the name of another video. */
    @Test
    void otherFilesAreKept() throws IOException {
        Path first = folder.resolve("clip-0001.mp4");
        interrupt("a star", first);
        Path second = Files.writeString(folder.resolve("clip-0002.mp4"), "mine");
        CommandRun run = batch("a ring\nb\nc\n", "--json");
        assertEquals(1, run.code(), run.err());
        String latents = LatentFile.pathFor(first).toString();
        assertTrue(run.err().contains("line 1: " + latents + ": the latents must be those of this video"), run.err());
        assertTrue(run.err().contains("step 1 of 3 of \"a star\""), run.err());
        assertTrue(
                run.err().contains("line 2: " + second + ": the output must be new or written by LinGen"), run.err());
        assertTrue(run.err().indexOf("step 1 of 3") < run.err().indexOf("denoising"), "said before the first is made");
        assertTrue(run.err().contains("3 videos: 1 made, 0 skipped, 2 failed"), run.err());
        assertEquals(List.of("failed", "failed", "made"), statuses(run.out()));
        assertEquals("mine", Files.readString(second));
        assertEquals(1, LatentFile.find(first).step());

        run = batch("a ring\nb\nc\n", "--overwrite");
        assertTrue(run.err().contains("3 videos: 1 made, 1 skipped, 1 failed"), run.err());
        assertMade(2, "b", 0);
        Files.delete(LatentFile.pathFor(first));
        assertEquals(0, batch("a ring\nb\nc\n").code());
    }

    @Test
    void batchesWithoutSidecarsAreCompleted() throws IOException {
        CommandRun run = batch("a\nb\n", "--sidecar", "none", "--json");
        assertEquals(0, run.code(), run.err());
        assertEquals(List.of("clip-0001.mp4", "clip-0002.mp4", "prompts.txt"), names());
        assertFalse(run.out().contains("\"description\""), run.out());
        assertEquals(
                "a",
                VideoProvenance.parse("line", run.out().lines().findFirst().orElseThrow())
                        .request()
                        .prompt());
        run = batch("a\nb\n", "--sidecar", "none", "--json");
        assertTrue(run.err().contains("0 made, 2 skipped"), run.err());
        assertEquals(
                "a",
                VideoProvenance.parse("line", run.out().lines().findFirst().orElseThrow())
                        .request()
                        .prompt());
        CommandRun named = batch("a\nb\n", "--sidecar", "record.json");
        assertEquals(2, named.code(), named.err());
        assertTrue(named.err().contains("--sidecar must be none for several videos, found 'record.json'"), named.err());
    }

    /** Writes the latents of a video with three steps after its first step. */
    private void interrupt(String prompt, Path video) throws IOException {
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(model.toString());
                Generation generation = pipeline.start(
                        VideoRequest.builder(prompt).frames(4).steps(3).build())) {
            generation.saveLatents(video, 1, false);
            generation.steps().next();
        }
    }

    @Test
    void unsupportedSchedulesAreNamed() throws IOException {
        Path prompts = folder.resolve("prompts.jsonl");
        Files.writeString(prompts, "{\"prompt\": \"a\", \"schedule\": \"cubic\"}");
        CommandRun run = generate("--prompt-file", prompts, "-o", folder.resolve("clip.mp4"));
        assertEquals(1, run.code());
        assertTrue(
                run.err()
                        .contains(
                                prompts
                                        + ", line 1: schedule must be one of linear_quadratic, uniform, shifted, shifted:S, found 'cubic'"),
                run.err());
    }

    @Test
    void onlyTenInvalidLinesAreListed() throws IOException {
        CommandRun run = batch("\u0007\n".repeat(1000) + "a ring");
        assertEquals(1, run.code());
        assertTrue(run.err().contains("1000 of 1001 requests are invalid; the first 10 are listed above"), run.err());
        assertTrue(run.err().lines().count() < 25, run.err());
        assertEquals(List.of("clip-1001.mp4"), videos());
    }

    @Test
    void jsonIsOneLinePerVideo() throws IOException {
        CommandRun run = generate("a ring", "--json", "-q", "-o", folder.resolve("out.webp"));
        assertEquals(0, run.code(), run.err());
        assertEquals("", run.err());
        assertEquals(1, run.out().lines().count());
        JsonNode line = new ObjectMapper().readTree(run.out());
        assertEquals(folder.resolve("out.webp").toString(), line.get("video").asText());
        assertEquals(
                folder.resolve("out.json").toString(), line.get("description").asText());
        assertEquals("a ring", line.get("request").get("prompt").asText());
        assertTrue(line.get("times_s").get("total").asDouble() > 0);
        assertEquals(
                VideoWriters.comment(folder.resolve("out.webp")),
                VideoProvenance.parse("stdout", run.out()).toJson(),
                "the line describes the video");
    }

    @Test
    void failuresAreLinesOfJson() throws IOException {
        Path target = folder.resolve("out.gif");
        interrupt("a star", target);
        CommandRun run = generate("a ring", "--json", "-o", target);
        assertEquals(1, run.code(), run.err());
        JsonNode line = new ObjectMapper().readTree(run.out());
        assertEquals("failed", line.get("status").asText());
        assertTrue(run.err().contains(line.get("error").asText()), run.out() + run.err());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--shard 0/2 | shard must be I/N with I from 1 to N",
                "--shard 3/2 | shard must be I/N with I from 1 to N",
                "--shard 1/0 | shard must be I/N with I from 1 to N",
                "--shard x | shard must be I/N with I from 1 to N",
                "--count 0 | --count must be at least 1, found 0",
                "--count -1 | at least 1, found -1",
                "--steps 0 | number of steps must be 1 to 10000, found 0",
            })
    void usageErrorsAreReported(String options, String message) throws IOException {
        String[] words = options.split(" ");
        CommandRun run = batch("a ring", words[0], words[1]);
        assertEquals(2, run.code(), run.err());
        assertTrue(run.err().contains(message), run.err());
        assertEquals(List.of(), videos());
    }

    @Test
    void promptsAreRequired() {
        CommandRun none = generate("--count", 3);
        assertEquals(2, none.code());
        assertTrue(none.err().contains("request for this model must have a prompt, found none"), none.err());
        CommandRun noFile = run("batch");
        assertEquals(2, noFile.code());
        assertTrue(noFile.err().contains("Missing required parameter: 'FILE'"), noFile.err());
    }

    @Test
    void generateWithCountMakesABatch() throws IOException {
        CommandRun run = generate("a ring", "--count", 2, "--seed", 4, "-o", folder.resolve("clip.mp4"));
        assertEquals(0, run.code(), run.err());
        assertTrue(run.err().contains("2 videos: 2 made, 0 skipped, 0 failed"), run.err());
        assertMade(1, "a ring", 4);
        assertMade(2, "a ring", 5);
    }

    /** The hidden options of {@code generate} make the same videos under the same names, which a batch then skips. */
    @Test
    void aliasesOfGenerateMakeTheSameBatch() throws IOException {
        Path prompts = Files.writeString(folder.resolve("prompts.txt"), "a\nb\n");
        Object[] options = {"--prompt-file", prompts, "--count", 2, "-o", folder.resolve("clip.mp4")};
        CommandRun half = generate(with(options, "--shard", "2/2"));
        assertEquals(0, half.code(), half.err());
        assertEquals(List.of("clip-0002.mp4", "clip-0004.mp4"), videos());
        CommandRun rest = generate(options);
        assertTrue(rest.err().contains("4 videos: 2 made, 2 skipped, 0 failed"), rest.err());
        CommandRun batch = batch("a\nb\n", "--count", 2);
        assertTrue(batch.err().contains("4 videos: 0 made, 4 skipped, 0 failed"), batch.err());
        CommandRun shard = generate("a", "--shard", "2/2", "--count", 2, "-o", folder.resolve("clip.mp4"));
        assertTrue(shard.err().contains("1 videos: 0 made, 1 skipped, 0 failed"), shard.err());

        CommandRun both = generate("a ring", "--prompt-file", prompts);
        assertEquals(2, both.code());
        assertTrue(both.err().contains("or by --prompt-file, found both"), both.err());
        assertEquals(1, generate("--prompt-file", folder.resolve("none.txt")).code());
        assertEquals(2, generate("a ring", "--shard", "0/2").code());
    }

    @Test
    void filesWithoutPromptsAreRejected() throws IOException {
        CommandRun empty = batch(" \n\n");
        assertEquals(1, empty.code());
        assertTrue(empty.err().contains("expected at least one prompt, found none"), empty.err());
        CommandRun none = run("batch", folder.resolve("none.txt"));
        assertEquals(1, none.code());
        assertTrue(none.err().contains("none.txt does not exist"), none.err());
    }

    @Test
    void seedsDoNotOverflow() throws IOException {
        CommandRun run = generate(
                "a ring", "--count", 2, "--seed", Long.MAX_VALUE, "-o", folder.resolve("clip.mp4"), "--steps", 1);
        assertEquals(1, run.code());
        assertTrue(run.err().contains("seed must be at most 9223372036854775806 for 2 videos"), run.err());
        assertEquals(List.of("clip-0001.mp4"), videos());
    }

    private CommandRun batch(String prompts, Object... options) throws IOException {
        Path file = Files.writeString(folder.resolve("prompts.txt"), prompts);
        return run("batch", with(options, file, "-o", folder.resolve("clip.mp4")));
    }

    private static Object[] with(Object[] arguments, Object... more) {
        return Stream.concat(Arrays.stream(arguments), Arrays.stream(more)).toArray();
    }

    private CommandRun generate(Object... options) {
        return run("generate", options);
    }

    private static CommandRun run(String command, Object... options) {
        List<Object> all = new ArrayList<>(List.of(command, "--model", model, "--frames", 4));
        if (Stream.of(options).noneMatch("--steps"::equals)) {
            all.addAll(List.of("--steps", 1));
        }
        all.addAll(List.of(options));
        return CommandRun.of(all.toArray());
    }

    private void assertMade(int number, String prompt, long seed) throws IOException {
        Path video = folder.resolve("clip-000" + number + ".mp4");
        VideoRequest request = VideoProvenance.parse(video.toString(), VideoWriters.comment(video))
                .request();
        assertEquals(prompt, request.prompt());
        assertEquals(seed, request.seed());
        assertFalse(
                Files.readString(folder.resolve("clip-000" + number + ".json")).isEmpty());
    }

    private static List<String> statuses(String out) throws IOException {
        List<String> statuses = new ArrayList<>();
        for (String line : out.lines().toList()) {
            statuses.add(new ObjectMapper().readTree(line).get("status").asText());
        }
        return statuses;
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private List<String> videos() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".mp4"))
                    .sorted()
                    .toList();
        }
    }
}
