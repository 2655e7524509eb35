package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command line with a model of another family, which it knows nothing of. */
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
    void infoShowsItsFactsAndForecastsItsMemory() {
        CommandRun run = CommandRun.of("info", "--model", model, "--backend", "cpu");
        assertEquals(0, run.code(), run.err());
        for (String line : new String[] {
            "denoiser  a toy that predicts noise",
            "text      hashed words, width 8",
            "sampler   circle, 6 steps, guidance 2",
            "native    16x16, 1.125 s at 8 fps",
            "makes     widths in steps of 8 up to 64, heights of 8 up to 64, frames of 4 from 1 up to 33",
            "classes   5, labels from 0; or a prompt",
            "Memory of a video of 16x16, 1.125 s (9 frames), in bf16"
        }) {
            assertTrue(run.out().contains(line), run.out());
        }
    }

    @Test
    void filesThatItsFamilyDoesNotSupportAreRefused() {
        for (String[] option :
                new String[][] {{"--lora", "style.safetensors:0.5"}, {"--transformer", "t.safetensors"}}) {
            for (CommandRun run : new CommandRun[] {
                generate("a cat", option[0], option[1], "-o", folder.resolve("out.mp4")),
                CommandRun.of("info", "--model", model, option[0], option[1]),
            }) {
                assertEquals(2, run.code(), run.err());
                assertTrue(run.err().contains("models of the family toy must be used as they are"), run.err());
                assertTrue(run.err().contains(option[1].replace(":0.5", "")), run.err());
            }
        }
    }

    @Test
    void aClassIsMadeAndMadeAgainLikeItself() throws IOException {
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
    void batchesHoldClassesAndPrompts() throws IOException {
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
    void aNegativePromptForClassesIsRefused() throws IOException {
        Path lines = Files.writeString(folder.resolve("lines.jsonl"), "{\"label\": 1}\n");
        CommandRun run =
                CommandRun.of("batch", lines, "--negative", "red", "--model", model, "-o", folder.resolve("clip.mp4"));
        run.assertRefused(1, "line 1: negative prompt must be empty with a class label");
        generate("--label", 1, "--negative", "red", "-o", folder.resolve("a.mp4"))
                .assertRefused(2, "negative prompt must be empty with a class label");
    }

    @Test
    void anInterruptedVideoIsResumed() throws IOException {
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
    void whatItCanNotMakeIsRefused() {
        generate("--label", 9).assertRefused(2, "class label must be 0 to 4, found 9");
        generate("a ring", "--label", 1).assertRefused(2, "a video shows a prompt or a class, found both");
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
