package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lingen.TinyModel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Invalid requests: each is rejected in a few lines, and no output file remains. */
class BadRequestTest {
    private static final String HUGE = "2147483647";

    @TempDir
    static Path model;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeModel() throws IOException {
        TinyModel.write(model);
    }

    static Stream<Arguments> prompts() {
        return Stream.of(
                Arguments.of("empty", "", "prompt must contain visible characters"),
                Arguments.of("blank", " \t\n\u3000", "prompt must contain visible characters"),
                Arguments.of("invisible", "\u200b\u2060", "prompt must contain visible characters"),
                Arguments.of("10 MB", "a red circle ".repeat(10 << 16), "at most 100000 characters, found 8519680"),
                Arguments.of("NUL", "a\0b", "the control character \\u0000 at character 2"),
                Arguments.of("escape sequence", "a \u001b[2J", "the control character \\u001b"),
                Arguments.of("half a pair", "a \ud83c", "the unpaired surrogate \\ud83c"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("prompts")
    void invalidPromptsAreRejected(String name, String prompt, String message) throws IOException {
        CommandRun run = generate(prompt);
        run.assertRefused(2, message);
        assertEquals("", run.out());
        if (!message.contains("visible")) {
            generate("a ring", "--negative", prompt).assertRefused(2, "negative prompt must");
        }
        assertNothingWritten();
    }

    static Stream<Arguments> options() {
        return Stream.of(
                Arguments.of("--size 10x24", "width must be a multiple of 4 up to 32, found 10; use 8 or 12"),
                Arguments.of("--size 0x24", "width must be a positive number of pixels, found 0"),
                Arguments.of("--size -24x24", "size must be WIDTHxHEIGHT in pixels"),
                Arguments.of("--size " + HUGE + "x" + HUGE, "size must be WIDTHxHEIGHT in pixels"),
                Arguments.of("--size 99996x99996", "width must be a multiple of 4 up to 32, found 99996; use 32"),
                Arguments.of("--size 24", "size must be WIDTHxHEIGHT in pixels"),
                Arguments.of(
                        "--text-cache " + model.resolve("model_index.json"),
                        "text cache must be a folder, found the file"),
                Arguments.of("--seconds 0", "length must be a positive number of seconds"),
                Arguments.of("--seconds -1", "length must be a positive number of seconds"),
                Arguments.of("--seconds NaN", "length must be a positive number of seconds, found NaN"),
                Arguments.of("--seconds Infinity", "length must be a positive number of seconds, found Infinity"),
                Arguments.of("--seconds 100000000", "s at 16 fps); use 2 s (32 frames)"),
                Arguments.of("--seconds 1e308", "s at 16 fps); use 2 s (32 frames)"),
                Arguments.of("--frames 0", "number of frames must be positive"),
                Arguments.of("--frames -4", "number of frames must be positive"),
                Arguments.of("--frames " + HUGE, "number of frames must be a multiple of 4 up to 32"),
                Arguments.of("--frames 99999999999", "'99999999999' is not an int"),
                Arguments.of("--frames NaN", "'NaN' is not an int"),
                Arguments.of("--guidance NaN", "guidance must be 0 to 100, found NaN"),
                Arguments.of("--guidance -1", "guidance must be 0 to 100, found -1.0"),
                Arguments.of("--guidance Infinity", "guidance must be 0 to 100, found Infinity"),
                Arguments.of("--steps 0", "number of steps must be 1 to 10000, found 0"),
                Arguments.of("--steps 1000000000", "number of steps must be 1 to 10000, found 1000000000"),
                Arguments.of("--fps 0", "fps must be 1 to 1000, found 0"),
                Arguments.of("--fps " + HUGE, "fps must be 1 to 1000"),
                Arguments.of("--threads 0", "threads must be 1 to 4096, found 0"),
                Arguments.of("--threads -1", "threads must be 1 to 4096, found -1"),
                Arguments.of("--threads 1000000", "threads must be 1 to 4096, found 1000000"),
                Arguments.of("--seed 99999999999999999999", "'99999999999999999999' is not a long"),
                Arguments.of(
                        "--schedule cubic",
                        "schedule must be one of linear_quadratic, uniform, shifted, shifted:S, found 'cubic'"),
                Arguments.of("--schedule shifted:x", "shift of a schedule must be a number, found 'shifted:x'"),
                Arguments.of("--schedule shifted:NaN", "shift of a schedule must be a positive number, found NaN"),
                Arguments.of("--schedule shifted:-1", "shift of a schedule must be a positive number, found -1.0"),
                Arguments.of("--precision f8", "precision must be bf16 or f32, found 'f8'"),
                Arguments.of("--preset fast", "Unknown options: '--preset', 'fast'"),
                Arguments.of("-o out.avi", ".webm for WebM (VP9)"),
                Arguments.of("-o out.png", "folder"),
                Arguments.of("--schedule \u001b]0;title\u0007", "shifted:S, found '\\u001b]0;title\\u0007'"),
                Arguments.of("--precision " + "x".repeat(1 << 20), "precision must be bf16 or f32, found 'xxx"),
                Arguments.of("--size " + "9".repeat(1 << 20), "size must be WIDTHxHEIGHT in pixels"),
                Arguments.of("--steps \u001b[2J", "is not an int"),
                Arguments.of("--steps " + "9".repeat(1 << 20), "is not an int"),
                Arguments.of("--\u001b[2J" + "x".repeat(1 << 20), "Unknown option"));
    }

    @ParameterizedTest
    @MethodSource("options")
    void invalidOptionsAreRejected(String options, String message) throws IOException {
        generate("a ring", (Object[]) options.split(" ")).assertRefused(2, message);
        assertNothingWritten();
    }

    @Test
    void unavailableBackendsAreRejected() throws IOException {
        generate("a ring", "--backend", "abacus")
                .assertRefused(2, "backend must be auto or one of cuda, cpu, nd4j, found 'abacus'");
        generate("a ring", "--backend", "\u001b[2J" + "x".repeat(1 << 20)).assertRefused(2, "found '\\u001b[2Jxxx");
        assertNothingWritten();
    }

    static Stream<Arguments> outputs() {
        return Stream.of(
                Arguments.of("missing folder", "no/out.mp4", "create it first"),
                Arguments.of("below a file", "file/out.mp4", "create it first"),
                Arguments.of("below a link to nothing", "link/out.mp4", "create it first"),
                Arguments.of("too long a name", "x".repeat(300) + ".mp4", ""),
                Arguments.of("a folder", "folder.mp4", "is a folder; name a file to write"),
                Arguments.of("a folder of other things", "folder", ""));
    }

    /** Locations where nobody can write, because permissions do not restrict the superuser. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("outputs")
    void invalidOutputsAreRejected(String name, String target, String message) throws IOException {
        Files.writeString(folder.resolve("file"), "kept");
        Files.createSymbolicLink(folder.resolve("link"), folder.resolve("nothing"));
        Files.createDirectories(folder.resolve("folder.mp4"));
        Files.writeString(Files.createDirectories(folder.resolve("folder")).resolve("note.txt"), "kept");
        List<Path> before = files();
        run("a ring", List.of("-o", folder.resolve(target))).assertRefused(1, message);
        assertEquals(before, files());
        assertEquals("kept", Files.readString(folder.resolve("file")));
        assertEquals("kept", Files.readString(folder.resolve("folder/note.txt")));
    }

    @Test
    void unwritableFoldersAreRejected() {
        Path proc = Path.of("/proc");
        assumeTrue(Files.isDirectory(proc.resolve("self")), "a folder that even the superuser can't write to");
        run("a ring", List.of("-o", proc.resolve("out.mp4"))).assertRefused(1, "/proc");
    }

    @Test
    void missingAndOtherModelsAreRejected() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "x");
        Path out = folder.resolve("out.mp4");
        CommandRun.of("generate", "a ring", "-o", out, "--model", folder.resolve("no"))
                .assertRefused(1, "expected a model folder with a model_index.json, found nothing");
        CommandRun.of("generate", "a ring", "-o", out, "--model", file).assertRefused(1, "found a file");
        CommandRun.of("generate", "a ring", "-o", out, "--model", folder).assertRefused(1, "model_index.json");
        CommandRun.of("info", "--model", folder.resolve("no")).assertRefused(1, "found nothing");
        CommandRun nul =
                CommandRun.of("generate", "a ring", "-o", out, "--model", "a\0\u001b[2J" + "x".repeat(1 << 20));
        nul.assertRefused(2, "lingen: ");
        assertEquals(List.of(file), files());
    }

    @Test
    void invalidFilesOfRequestsAreRejected() throws IOException {
        Path like =
                Files.write(folder.resolve("like.mp4"), new byte[] {0, 0, 0, 8, 'f', 't', 'y', 'p', 27, 27, 27, 27});
        Path json = Files.writeString(folder.resolve("like.json"), "{\"request\": {\"\u001b[2J\": ");
        Path prompts = Files.writeString(folder.resolve("prompts.jsonl"), "{\"prompt\": \"\\u0000\"}\n{\"x\": 1}\n");
        List<Path> before = files();
        generate("a ring", "--like", like).assertRefused(1, "like.mp4");
        generate("a ring", "--like", json).assertRefused(2, "expected JSON");
        generate("a ring", "--like", folder.resolve("no.mp4")).assertRefused(1, "expected a video, found no such file");
        CommandRun batch = CommandRun.of("batch", prompts, "--model", model, "-o", folder.resolve("out.mp4"), "-q");
        batch.assertRefused(1, "line 1: prompt must be text, found the control character \\u0000");
        assertEquals(before, files());
    }

    static Stream<Arguments> latents() {
        return Stream.of(
                Arguments.of("missing", null, "found no such file"),
                Arguments.of("empty", new byte[0], ""),
                Arguments.of("a pickle", new byte[] {'P', 'K', 3, 4, 0, 0, 0, 0, 0, 0}, "a zip archive"),
                Arguments.of("no header", "\u001b[2J, no header at all".getBytes(StandardCharsets.UTF_8), ""));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("latents")
    void invalidLatentsAreRejected(String name, byte @Nullable [] content, String message) throws IOException {
        Path file = folder.resolve("out.latents.safetensors");
        if (content != null) {
            Files.write(file, content);
        }
        List<Path> before = files();
        Path out = folder.resolve("out.gif");
        CommandRun.of("resume", file, "--model", model, "-q").assertRefused(1, message);
        CommandRun.of("decode", file, "--model", model, "-q", "-o", out).assertRefused(1, message);
        CommandRun.of("generate", "--resume", file, "--model", model, "-q").assertRefused(1, message);
        CommandRun.of("generate", "--from-latents", file, "--model", model, "-q", "-o", out)
                .assertRefused(1, message);
        assertEquals(before, files());
    }

    @Test
    void longPromptsAreTruncatedWithAWarning() throws IOException {
        ByteArrayOutputStream log = new ByteArrayOutputStream();
        PrintStream err = System.err;
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
        CommandRun run;
        try {
            String prompt = "star ".repeat(61) + "last \ud83c\udf89 then this is dropped";
            run = generate(prompt, "--frames", 4, "--steps", 1, "--guidance", 1);
        } finally {
            System.setErr(err);
        }
        assertEquals(0, run.code(), run.err());
        String warning = log.toString(StandardCharsets.UTF_8);
        assertTrue(warning.contains("text_encoder: prompt truncated to 64 of 69 tokens, after "), warning);
        assertTrue(warning.contains("star last\" and before \"\ud83c\udf89 then this is dropped\""), warning);
    }

    @Test
    void promptsOfAllScriptsAreAccepted() throws IOException {
        for (String prompt : List.of(
                "\u7ea2\u8272\u7684\u5706",
                "\u062f\u0627\u0626\u0631\u0629",
                "\ud83d\udc69\u200d\ud83d\udcbb",
                "e\u0301\u0327 and\tlines\nof text",
                "@" + Files.writeString(folder.resolve("words"), "not these"))) {
            CommandRun run = generate(prompt, "--frames", 4, "--steps", 1, "--guidance", 1);
            assertEquals(0, run.code(), run.err());
        }
    }

    private CommandRun generate(String prompt, Object... options) {
        List<Object> all = new ArrayList<>(List.of("-o", folder.resolve("out.mp4")));
        if (Arrays.asList(options).contains("-o")) {
            all.clear();
        }
        all.addAll(List.of(options));
        return run(prompt, all);
    }

    private static CommandRun run(String prompt, List<?> options) {
        List<Object> arguments = new ArrayList<>(List.of("generate", prompt, "--model", model));
        arguments.addAll(options);
        return CommandRun.of(arguments.toArray());
    }

    private void assertNothingWritten() throws IOException {
        assertEquals(List.of(), files());
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }
}
