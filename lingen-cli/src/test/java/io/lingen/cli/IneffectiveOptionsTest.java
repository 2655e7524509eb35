package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.TinyModel;
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Options without effect because of another one are rejected or cause a warning. */
class IneffectiveOptionsTest {
    @TempDir
    static Path model;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeModel() throws IOException {
        TinyModel.write(model);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--guidance 1 --negative red | negative prompt must be empty with guidance 1",
                "--frames 4 --seconds 1 | mutually exclusive",
                "--seed 1 --seed 2 | option '--seed' (N) should be specified only once",
                "--from-latents x.mp4 -o y.mp4 --save-every 3 | --save-every has no effect with --from-latents",
                "--from-latents x.mp4 -o y.mp4 --keep-latents | --keep-latents has no effect with --from-latents",
                "--resume x.mp4 --count 2 | found --count; omit it",
                "--resume x.mp4 --eta 0 | found --eta; omit it",
            })
    void someAreRejected(String options, String message) {
        Object[] words = options.split(" ");
        boolean alias = options.startsWith("--from") || options.startsWith("--resume");
        CommandRun run = CommandRun.of(Stream.concat(
                        alias ? Stream.of("generate") : Stream.of("generate", "a-ring"),
                        Stream.concat(Stream.of("--model", model), Stream.of(words)))
                .toArray());
        run.assertRefused(2, message);
    }

    @Test
    void recordedNegativePromptsWithoutGuidanceAreRejected() throws IOException {
        Path video = folder.resolve("out.mp4");
        assertEquals(0, generate("--negative", "red", "--steps", 2, "-o", video).code());
        CommandRun run = CommandRun.of(
                "generate", "--like", video, "--model", model, "--guidance", 1, "-o", folder.resolve("b.mp4"));
        run.assertRefused(2, "negative prompt must be empty with guidance 1");
        run = CommandRun.of(
                "generate",
                "--like",
                video,
                "--model",
                model,
                "--guidance",
                1,
                "--negative",
                "",
                "-o",
                folder.resolve("b.mp4"));
        assertEquals(0, run.code(), run.err());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--steps 1 --schedule uniform | warning    --schedule has no effect with --steps 1",
                "--steps 1 --eta 0.5 | warning    --eta has no effect with --steps 1",
                "--steps 2 --guidance 0 | warning    the prompt has no effect with --guidance 0",
            })
    void othersCauseAWarning(String options, String message) {
        CommandRun run = generate(
                Stream.concat(Stream.of("-o", folder.resolve("out.mp4")), Stream.of((Object[]) options.split(" ")))
                        .toArray());
        assertEquals(0, run.code(), run.err());
        assertTrue(run.err().contains(message), run.err());
        assertEquals(1, run.err().split("warning ", -1).length - 1, run.err());
    }

    @Test
    void recordedPromptsAreEncodedVerbatim() {
        Path video = folder.resolve("out.mp4");
        assertEquals(0, generate("--steps", 1, "-o", video).code());
        CommandRun run = CommandRun.of(
                "generate", "--like", video, "--model", model, "--as-written", "-o", folder.resolve("b.mp4"));
        assertEquals(0, run.code(), run.err());
        assertTrue(
                run.err().contains("warning    --as-written has no effect with the recorded prompt of --like"),
                run.err());
    }

    /** The warnings are correct: the options do not change the video. */
    @Test
    void scheduleAndEtaHaveNoEffectOnASingleStep() throws IOException {
        List<Object[]> options = List.of(
                new Object[] {"--schedule", "uniform", "--eta", 0},
                new Object[] {"--schedule", "shifted:6", "--eta", 1},
                new Object[] {"--schedule", "linear_quadratic", "--eta", 0.5});
        byte[] first = null;
        for (int i = 0; i < options.size(); i++) {
            Path frames = folder.resolve("frames" + i);
            CommandRun run = generate(Stream.concat(Stream.of("--steps", 1, "-o", frames), Stream.of(options.get(i)))
                    .toArray());
            assertEquals(0, run.code(), run.err());
            byte[] pixels = pixels(frames.resolve("00001.png"));
            assertTrue(first == null || Arrays.equals(first, pixels), "options " + i);
            first = pixels;
        }
    }

    @Test
    void effectiveOptionsCauseNoWarning() {
        CommandRun run = generate("--steps", 2, "--schedule", "uniform", "--eta", 1, "-o", folder.resolve("out.mp4"));
        assertEquals(0, run.code(), run.err());
        assertFalse(run.err().contains("warning "), run.err());
    }

    private static byte[] pixels(Path png) throws IOException {
        BufferedImage image = ImageIO.read(png.toFile());
        return ((DataBufferByte) image.getRaster().getDataBuffer()).getData();
    }

    private static CommandRun generate(Object... options) {
        return CommandRun.of(
                Stream.concat(Stream.of("generate", "a-ring", "--model", model, "--frames", 4), Stream.of(options))
                        .toArray());
    }
}
