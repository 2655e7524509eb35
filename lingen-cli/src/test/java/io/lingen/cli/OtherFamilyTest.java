package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.Generation;
import io.lingen.LatentFile;
import io.lingen.PipelineOptions;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoRequest;
import io.lingen.core.DType;
import io.lingen.toy.ToyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command line with a model of a family that it does not depend on. */
class OtherFamilyTest {
    @TempDir
    static Path model;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeModel() throws IOException {
        ToyModel.write(model);
    }

    @Test
    void infoPrintsFactsAndMemory() {
        CommandRun run = CommandRun.of("info", "--model", model, "--backend", "cpu");
        assertEquals(0, run.code(), run.err());
        for (String line : new String[] {
            "denoiser  a toy that predicts noise",
            "text      hashed words, width 8",
            "sampler   multistep, shift 1, 6 steps, guidance 2\n            few_steps, 3 steps at 1000, 600, 300, guidance 1",
            "native    16x16, 1.125 s at 8 fps",
            "width     a multiple of 8 up to 64",
            "height    a multiple of 8 up to 64",
            "frames    1 + a multiple of 4 up to 33",
            "labels    0 to 4, in place of a prompt",
            "Memory of a video of 16x16, 1.125 s (9 frames), in bf16"
        }) {
            assertTrue(run.out().contains(line), run.out());
        }
    }

    @Test
    void unsupportedModelFilesAreRejected() {
        for (String[] option :
                new String[][] {{"--lora", "style.safetensors:0.5"}, {"--transformer", "t.safetensors"}}) {
            for (CommandRun run : new CommandRun[] {
                generate("a cat", option[0], option[1], "-o", folder.resolve("out.mp4")),
                CommandRun.of("info", "--model", model, option[0], option[1]),
            }) {
                assertEquals(2, run.code(), run.err());
                assertTrue(run.err().contains("models of the family toy must be used unmodified"), run.err());
                assertTrue(run.err().contains(option[1].replace(":0.5", "")), run.err());
            }
        }
    }

    @Test
    void videosOfLabelsAreReproduced() throws IOException {
        Path first = folder.resolve("first.mp4");
        CommandRun run = generate("--label", 2, "--seed", 7, "-o", first);
        assertEquals(0, run.code(), run.err());
        assertTrue(
                Files.readString(folder.resolve("first.json")).contains("\"label\" : 2"),
                Files.readString(folder.resolve("first.json")));
        Path again = folder.resolve("again.mp4");
        run = generate("--like", first, "-o", again);
        assertEquals(0, run.code(), run.err());
        assertEquals(-1, Files.mismatch(first, again));
        Path prompted = folder.resolve("prompted.mp4");
        run = generate("a red ring", "--like", first, "-o", prompted);
        assertEquals(0, run.code(), run.err());
        assertEquals(
                "a red ring",
                RecordedVideo.read(prompted).provenance().request().prompt());
    }

    @Test
    void aSamplerIsChosenAndMadeAgainLikeItself() throws IOException {
        Path first = folder.resolve("first.mp4");
        CommandRun run =
                generate("a ring", "--sampler", "few_steps", "--times", "900,450.5", "--guidance", 2, "-o", first);
        assertEquals(0, run.code(), run.err());
        assertTrue(run.err().contains("few_steps, 2 steps at 900, 450.5, guidance 2, seed 0"), run.err());
        Path again = folder.resolve("again.mp4");
        assertEquals(0, generate("--like", first, "-o", again).code());
        assertEquals(-1, Files.mismatch(first, again));
        assertEquals(
                VideoRequest.builder("a ring")
                        .size(16, 16)
                        .frames(9)
                        .fps(8)
                        .sampler("few_steps")
                        .times(List.of(900.0, 450.5))
                        .steps(2)
                        .guidance(2)
                        .eta(0)
                        .build(),
                request(again));
    }

    @Test
    void anotherSamplerResetsTheSettingsOfTheRecordedOne() throws IOException {
        Path few = folder.resolve("few.mp4");
        assertEquals(0, generate("a ring", "--sampler", "few_steps", "-o", few).code());
        Path shifted = folder.resolve("shifted.mp4");
        assertEquals(
                0,
                generate("--like", few, "--sampler", "multistep", "-o", shifted).code());
        assertEquals(1, request(shifted).shift());
        assertNull(request(shifted).times());
        assertEquals(3, request(shifted).steps());
        Path back = folder.resolve("back.mp4");
        assertEquals(
                0,
                generate("--like", shifted, "--sampler", "few_steps", "--times", "800,200", "-o", back)
                        .code());
        assertEquals(List.of(800.0, 200.0), request(back).times());
        assertNull(request(back).shift());
        Path more = folder.resolve("more.mp4");
        assertEquals(
                0,
                generate("--like", back, "--steps", 4, "--shift", 2, "-o", more).code());
        assertEquals(2, request(more).shift());
        assertEquals(4, request(more).steps());
        assertNull(request(more).times());
    }

    private static VideoRequest request(Path video) throws IOException {
        return RecordedVideo.read(video).provenance().request();
    }

    @Test
    void linesOfABatchChooseSamplers() throws IOException {
        Path lines = Files.writeString(folder.resolve("lines.jsonl"), """
                {"prompt": "a ring", "sampler": "few_steps"}
                {"prompt": "a ring", "shift": 4, "steps": 2}
                {"prompt": "a ring", "sampler": "few_steps", "times": [700, 100]}
                {"prompt": "a ring", "times": [700, 100], "steps": 3}
                """);
        CommandRun run = CommandRun.of(
                "batch", lines, "--shift", 2, "--model", model, "--backend", "cpu", "-o", folder.resolve("clip.mp4"));
        assertEquals(1, run.code(), run.err());
        assertEquals(
                List.of(1000.0, 600.0, 300.0),
                request(folder.resolve("clip-0001.mp4")).times());
        assertEquals(4, request(folder.resolve("clip-0002.mp4")).shift());
        assertEquals(
                List.of(700.0, 100.0), request(folder.resolve("clip-0003.mp4")).times());
        assertTrue(
                run.err().contains("line 4: number of steps must be that of the times, 2, found 3; omit the steps"),
                run.err());
    }

    @Test
    void batchesMixLabelsAndPrompts() throws IOException {
        Path lines = Files.writeString(folder.resolve("lines.jsonl"), """
                {"label": 1, "seed": 3}
                {"prompt": "a red ring"}
                {"label": 5}
                {"label": 1, "prompt": "a red ring"}
                """);
        CommandRun run =
                CommandRun.of("batch", lines, "--model", model, "--backend", "cpu", "-o", folder.resolve("clip.mp4"));
        assertEquals(1, run.code(), run.err());
        assertTrue(run.err().contains("line 3: class label must be 0 to 4, found 5"), run.err());
        assertTrue(run.err().contains("line 4: unknown field 'prompt'"), run.err());
        assertTrue(run.err().contains("4 videos: 2 made, 0 skipped, 2 failed"), run.err());
        assertEquals(
                1,
                RecordedVideo.read(folder.resolve("clip-0001.mp4"))
                        .provenance()
                        .request()
                        .label());
    }

    @Test
    void negativePromptsForLabelsAreRejected() throws IOException {
        Path lines = Files.writeString(folder.resolve("lines.jsonl"), "{\"label\": 1}\n");
        CommandRun run =
                CommandRun.of("batch", lines, "--negative", "red", "--model", model, "-o", folder.resolve("clip.mp4"));
        run.assertRefused(1, "line 1: negative prompt must be empty with a class label");
        generate("--label", 1, "--negative", "red", "-o", folder.resolve("a.mp4"))
                .assertRefused(2, "negative prompt must be empty with a class label");
    }

    @Test
    void interruptedVideosAreResumed() throws IOException {
        Path whole = folder.resolve("whole.mp4");
        assertEquals(0, generate("--label", 2, "--seed", 7, "-o", whole).code());
        Path video = folder.resolve("out.mp4");
        PipelineOptions options = PipelineOptions.defaults().withBackend("cpu").withPrecision(DType.BF16);
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(model.toString(), options);
                Generation generation = pipeline.start(
                        VideoRequest.ofLabel(2).toBuilder().seed(7).build())) {
            generation.saveLatents(video, 1, false);
            generation.steps().next();
        }
        CommandRun run = CommandRun.of("resume", LatentFile.pathFor(video), "--model", model);
        assertEquals(0, run.code(), run.err());
        assertEquals(-1, Files.mismatch(whole, video));
    }

    @Test
    void unsupportedRequestsAreRejected() {
        generate("a ring", "--sampler", "unipc")
                .assertRefused(2, "sampler must be one of multistep, few_steps for this model, found 'unipc'");
        generate("a ring", "--times", "900,400")
                .assertRefused(2, "times must be absent for the sampler multistep, found [900.0, 400.0]");
        generate("a ring", "--sampler", "few_steps", "--times", "900,400", "--steps", 3)
                .assertRefused(2, "number of steps must be that of the times, 2, found 3; omit the steps");
        generate("a ring", "--sampler", "few_steps", "--times", "900,400", "--shift", 3)
                .assertRefused(2, "shift must be absent with times, found 3.0; omit one of them");
        generate("a ring", "--times", "900;400")
                .assertRefused(
                        2, "times must be numbers separated by commas, for example 1000,757,522, found '900;400'");
        generate("a ring", "--times", "400,900")
                .assertRefused(2, "times must be 1 to 1000 positive numbers in decreasing order, found [400.0, 900.0]");
        generate("a ring", "--shift", 0).assertRefused(2, "shift must be above 0 and at most 1000, found 0.0");
        generate("--label", 9).assertRefused(2, "class label must be 0 to 4, found 9");
        generate("a ring", "--label", 1)
                .assertRefused(2, "request must have either a prompt or a class label, found both");
        generate("--label", 1, "--negative", "noise")
                .assertRefused(2, "negative prompt must be empty with a class label");
        generate("a ring", "--frames", 8)
                .assertRefused(2, "number of frames must be 1 + a multiple of 4 up to 33, found 8; use 5 or 9");
        CommandRun.of("generate", "--label", 1)
                .assertRefused(2, "request for this model must have a prompt, found the class label 1");
    }

    private CommandRun generate(Object... more) {
        Object[] arguments = new Object[5 + more.length];
        System.arraycopy(new Object[] {"generate", "--model", model, "--backend", "cpu"}, 0, arguments, 0, 5);
        System.arraycopy(more, 0, arguments, 5, more.length);
        return CommandRun.of(arguments);
    }
}
