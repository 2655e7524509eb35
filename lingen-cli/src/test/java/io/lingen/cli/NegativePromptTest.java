package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lingen.TinyModel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Negative prompts from the command line and from files. */
class NegativePromptTest {
    @TempDir
    static Path model;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeModel() throws IOException {
        TinyModel.write(model);
    }

    @Test
    void fileHasOneNegativePrompt() throws IOException {
        Path file = Files.writeString(folder.resolve("negative.txt"), "\uFEFF\n  blurry,\n sch\u00f6n \u5149 \n\n");
        Path video = folder.resolve("out.mp4");
        CommandRun run = generate("--negative", "@" + file, "-o", video);
        assertEquals(0, run.code(), run.err());
        assertEquals("blurry,\n sch\u00f6n \u5149", negative(video));
        run = generate("--negative", "red @ noon", "-o", folder.resolve("text.mp4"));
        assertEquals(0, run.code(), run.err());
        assertEquals("red @ noon", negative(folder.resolve("text.mp4")));
    }

    @Test
    void fileAppliesToLinesOfABatchWithoutTheirOwn() throws IOException {
        Path file = Files.writeString(folder.resolve("negative.txt"), "blurry\n");
        Path lines = Files.writeString(folder.resolve("lines.jsonl"), """
                {"prompt": "a ring"}
                {"prompt": "a ring", "negative_prompt": "@red"}
                """);
        CommandRun run = CommandRun.of(
                "batch",
                lines,
                "--model",
                model,
                "--negative",
                "@" + file,
                "--frames",
                4,
                "--steps",
                1,
                "-o",
                folder.resolve("clip.mp4"));
        assertEquals(0, run.code(), run.err());
        assertEquals("blurry", negative(folder.resolve("clip-0001.mp4")));
        assertEquals("@red", negative(folder.resolve("clip-0002.mp4")));
    }

    @Test
    void otherFilesAreRefused() throws IOException {
        assertRefused("@" + folder.resolve("none.txt"), "must be an existing file, found none at '" + folder);
        assertRefused("@", "negative prompt after @ must be");
        assertRefused("@" + folder, "must be a file, found the folder '" + folder);
        Path large = Files.write(folder.resolve("large.txt"), new byte[(1 << 20) + 1]);
        assertRefused("@" + large, "must be a file of at most 1048576 bytes, found a larger one");
        Path latin = Files.write(folder.resolve("latin.txt"), "sch\u00f6n".getBytes(StandardCharsets.ISO_8859_1));
        assertRefused("@" + latin, "must be text in UTF-8, found other bytes");
        assertRefused("@" + Files.writeString(folder.resolve("blank.txt"), " \n"), "found only white space");
        Path binary = Files.write(folder.resolve("binary.txt"), new byte[] {'a', 0, 'b'});
        assertRefused("@" + binary, "negative prompt");
    }

    private void assertRefused(String negative, String message) {
        generate("--negative", negative, "-o", folder.resolve("out.mp4")).assertRefused(2, message);
    }

    private static String negative(Path video) throws IOException {
        return RecordedVideo.read(video).provenance().request().negativePrompt();
    }

    private static CommandRun generate(Object... more) {
        Object[] arguments = new Object[8 + more.length];
        System.arraycopy(
                new Object[] {"generate", "a ring", "--model", model, "--frames", 4, "--steps", 1}, 0, arguments, 0, 8);
        System.arraycopy(more, 0, arguments, 8, more.length);
        return CommandRun.of(arguments);
    }
}
