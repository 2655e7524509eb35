package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.TinyModel;
import io.lingen.core.accounting.HostMemory;
import io.lingen.video.Mp4Frames;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** Typical commands, with a tiny model of random weights. */
class LingenTest {
    @TempDir
    static Path model;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeModel() throws IOException {
        TinyModel.write(model);
    }

    @Test
    void generateWritesAVideoAndItsSidecar() throws IOException {
        Path file = folder.resolve("out.mp4");
        Outcome outcome = run("generate", "a red circle", "-o", file, "--model", model, "--frames", 8, "--seed", 3);
        assertEquals(0, outcome.code, outcome.err);
        assertEquals(8, Mp4Frames.read(file).frames().size());
        assertTrue(Files.readString(folder.resolve("out.json")).contains("\"seed\" : 3"));
        assertTrue(outcome.err.contains("denoising  4/4"), outcome.err);
        assertTrue(outcome.err.contains("decoding   8/8"), outcome.err);
        assertEquals("", outcome.out);
    }

    /** Words that the model was not trained on, with a model that has a thesaurus. */
    @Test
    void thesaurusIsSkippedWithAsWritten() throws IOException {
        Path own = TinyModel.write(folder.resolve("model"));
        TinyModel.addThesaurus(own, "blue\nsapphire\tblue\n");
        Object[] usual = {"generate", "a sapphire ring", "--model", own, "--frames", 4, "--steps", 1, "-o"};
        Path read = folder.resolve("read.mp4");
        Path written = folder.resolve("written.mp4");
        Outcome first = run(with(usual, read));
        assertTrue(first.err.contains("rewritten  a blue ring"), first.err);
        Outcome second = run(with(usual, written, "--as-written"));
        assertFalse(second.err.contains("rewritten"), second.err);
        for (Path video : List.of(read, written)) {
            Path again = folder.resolve("again.mp4");
            assertEquals(0, run("generate", "--like", video, "--model", own, "-o", again).code);
            assertArrayEquals(
                    Mp4Frames.read(video).frames().toArray(),
                    Mp4Frames.read(again).frames().toArray());
        }
        assertTrue(run("info", "--model", own).out.contains("1 words with trained replacements"));
    }

    @Test
    void unknownWordsCauseOneWarning() throws IOException {
        Path own = TinyModel.write(folder.resolve("model"));
        TinyModel.addThesaurus(own, "blue\na\nsapphire\tblue\n");
        Object[] usual = {"generate", "a Zebra, a sapphire ring", "--model", own, "--frames", 4, "--steps", 1, "-o"};
        String warning = "warning    the model was not trained on these words of the prompt: zebra, ring";
        Outcome outcome = run(with(usual, folder.resolve("out.mp4")));
        assertEquals(0, outcome.code, outcome.err);
        assertEquals(1, outcome.err.lines().filter(warning::equals).count(), outcome.err);
        Outcome several = run(with(usual, folder.resolve("clip.mp4"), "--count", 2));
        assertEquals(1, several.err.lines().filter(warning::equals).count(), several.err);

        assertEquals("", run(with(usual, folder.resolve("quiet.mp4"), "-q")).err);
        usual[1] = "a sapphire, a blue";
        assertFalse(run(with(usual, folder.resolve("known.mp4"))).err.contains("warning"));
        usual[3] = model;
        assertFalse(run(with(usual, folder.resolve("plain.mp4"))).err.contains("warning"), "no thesaurus");
    }

    private static Object[] with(Object[] arguments, Object... more) {
        return Stream.concat(Arrays.stream(arguments), Arrays.stream(more)).toArray();
    }

    @Test
    void quietPrintsNothing() throws IOException {
        Outcome outcome = run(
                "generate",
                "a ring",
                "-q",
                "-o",
                folder.resolve("out.mp4"),
                "--model",
                model,
                "--frames",
                4,
                "--steps",
                1,
                "--precision",
                "f32",
                "--guidance",
                1,
                "--backend",
                "cpu",
                "--threads",
                1);
        assertEquals(0, outcome.code, outcome.err);
        assertEquals("", outcome.err + outcome.out);
        assertEquals(2, files());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "--size 130x25 | width must be a multiple of 4 up to 32, found 130; use 32",
                "--size 24x25 | height must be a multiple of 6 up to 48, found 25; use 24 or 30",
                "--size big | size must be WIDTHxHEIGHT in pixels, for example 128x128, found 'big'",
                "--seconds 1.1 | number of frames must be a multiple of 4 up to 32, found 17.6 (1.1 s at 16 fps); use 1 s (16 frames) or 1.25 s (20 frames)",
                "--seconds -3 | length must be a positive number of seconds, found -3.0",
                "--frames 5 | number of frames must be a multiple of 4 up to 32, found 5; use 4 or 8",
                "--frames 8 --seconds 1 | --seconds=S, --frames=N are mutually exclusive",
                "--steps 0 | number of steps must be 1 to 10000, found 0",
                "--steps many | Invalid value for option '--steps': 'many' is not an int",
                "--guidance -1 | guidance must be 0 to 100, found -1.0",
                "--schedule cubic | schedule must be one of linear_quadratic, uniform, shifted, shifted:S, found 'cubic'",
                "--precision f16 | precision must be bf16 or f32, found 'f16'",
                "--fps 0 | fps must be 1 to 1000, found 0",
                "--threads 0 | threads must be 1 to 4096, found 0",
                "--seed x | Invalid value for option '--seed'",
                "--stepps 3 | Unknown options: '--stepps', '3'",
            })
    void usageErrorsAreReported(String options, String message) throws IOException {
        Object[] usual = {"generate", "a ring", "--model", model, "-o", folder.resolve("out.mp4")};
        Outcome outcome = run(Stream.concat(Arrays.stream(usual), Arrays.stream(options.split(" ")))
                .toArray());
        assertFailed(outcome, 2, message);
        assertTrue(outcome.err.contains("--help"), outcome.err);
        assertEquals(0, files());
    }

    @Test
    void otherUsageErrorsAreReported() {
        assertFailed(run("generate"), 2, "prompt must be given, found none");
        assertFailed(run("generate", " ", "--model", model), 2, "prompt must contain visible characters");
        assertFailed(run("generate", "a ring", "--model", model, "-o", "out.avi"), 2, ".webm for WebM (VP9)");
        assertFailed(run(), 2, "command must be given, found none");
        assertFailed(run("genrate", "a ring"), 2, "Did you mean");
        assertFailed(run("parity"), 2, "--model");
    }

    @Test
    void failuresAreReported() throws IOException {
        Path file = folder.resolve("out.mp4");
        assertFailed(
                run("generate", "a ring", "--model", model, "-o", folder.resolve("no/out.mp4")), 1, "create it first");
        assertFailed(
                run("generate", "a ring", "--model", folder.resolve("no"), "-o", file), 1, "expected a model folder");
        assertFailed(run("generate", "a ring", "--model", folder, "-o", file), 1, "model_index.json");
        assertFailed(run("generate", "a ring", "--model", model, "-o", file, "--backend", "abacus"), 2, "'abacus'");
        assertFailed(run("parity", "--model", model, "--fixture", folder.resolve("no")), 1, "expected a file");
        assertEquals(0, files());
    }

    @Test
    void javaErrorsAreReported() {
        StringWriter err = new StringWriter();
        CommandLine command = Lingen.commandLine().setErr(new PrintWriter(err));
        assertEquals(1, ErrorReport.failure(new OutOfMemoryError("Java heap space"), command));
        assertTrue(err.toString().contains("LINGEN_JAVA_OPTS=-Xmx4g"), err.toString());
        assertEquals(1, err.toString().lines().count());
    }

    @Test
    void infoPrintsBackendsAndModel() {
        Outcome outcome = run("info", "--model", model);
        assertEquals(0, outcome.code, outcome.err);
        assertTrue(outcome.out.contains("cpu"), outcome.out);
        assertTrue(outcome.out.contains("nd4j"), outcome.out);
        assertTrue(outcome.out.contains("4 steps, guidance 3"), outcome.out);
        assertTrue(outcome.out.contains("width     a multiple of 4 up to 32"), outcome.out);
    }

    @Test
    void infoForecastsTheMemoryOfAVideo() {
        Outcome outcome = run("info", "--size", "256x256", "--seconds", 68, "--backend", "cpu");
        assertEquals(0, outcome.code, outcome.err);
        assertTrue(outcome.out.contains("16 channels, 2.7 million parameters"), "the decoder's alone: " + outcome.out);
        assertTrue(outcome.out.contains("Memory of a video of 256x256, 68 s (1088 frames), in bf16"), outcome.out);
        assertTrue(outcome.out.contains("peak"), outcome.out);
        assertFailed(run("info", "--size", "250x256"), 2, "use 224 or 256");
        System.setProperty(HostMemory.PROPERTY, "500m");
        try {
            outcome = run("info", "--size", "256x256", "--seconds", 68, "--backend", "cpu", "--precision", "f32");
            assertTrue(outcome.out.contains("The video does not fit. These settings fit: at most "), outcome.out);
        } finally {
            System.clearProperty(HostMemory.PROPERTY);
        }
    }

    @Test
    void everyCommandHasHelpWithExamples() {
        for (String command : List.of("generate", "resume", "decode", "batch", "info", "parity")) {
            Outcome outcome = run(command, "--help");
            assertEquals(0, outcome.code);
            assertTrue(outcome.out.contains("Usage: lingen " + command), outcome.out);
            assertTrue(outcome.out.contains("Examples:"), outcome.out);
            assertTrue(outcome.out.lines().allMatch(line -> line.length() <= 80), outcome.out);
            assertEquals(outcome.out, run("help", command).out);
            assertTrue(run(command, "--version").out.startsWith("lingen "));
        }
        assertTrue(run("--help").out.contains("Exit codes:"));
        assertEquals(run("--help").out, run("help").out);
        assertTrue(run("--version").out.startsWith("lingen "));
    }

    @Test
    void everyOptionAndParameterIsDescribedInSentences() {
        Lingen.commandLine().getSubcommands().values().stream()
                .flatMap(command -> command.getCommandSpec().args().stream())
                .filter(argument -> !argument.hidden())
                .forEach(argument -> {
                    String description = String.join(" ", argument.description());
                    assertTrue(description.endsWith("."), argument + ": " + description);
                    assertEquals(
                            description.chars().filter(c -> c == '(').count(),
                            description.chars().filter(c -> c == ')').count(),
                            argument + ": " + description);
                });
    }

    @Test
    void helpOmitsAliases() {
        String help = run("generate", "--help").out;
        for (String alias : List.of("--resume", "--from-latents", "--prompt-file", "--shard")) {
            assertFalse(help.contains(alias), help);
        }
    }

    private static void assertFailed(Outcome outcome, int code, String message) {
        assertEquals(code, outcome.code, outcome.err);
        assertTrue(outcome.err.contains(message), outcome.err);
        assertTrue(outcome.err.lines().count() <= 4, outcome.err);
        assertFalse(outcome.err.contains("\tat "), outcome.err);
    }

    private long files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.count();
        }
    }

    private static Outcome run(Object... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command = Lingen.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        int code = Lingen.run(
                command, Arrays.stream(arguments).map(Object::toString).toArray(String[]::new));
        return new Outcome(code, out.toString(), err.toString());
    }

    private record Outcome(int code, String out, String err) {}
}
