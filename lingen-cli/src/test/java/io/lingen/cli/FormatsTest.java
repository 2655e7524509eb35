package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.TinyModel;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The formats that the extension of the output selects, with a tiny model of random weights. */
class FormatsTest {
    @TempDir
    static Path model;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeModel() throws IOException {
        TinyModel.write(model);
    }

    @ParameterizedTest
    @ValueSource(strings = {"out.webm", "out.webp", "out.gif", "out"})
    void extensionSelectsTheFormat(String name) throws IOException {
        Path target = folder.resolve(name);
        CommandRun run = generate(target, "--frames", 8, "--seed", 31);
        assertEquals(0, run.code(), run.err());
        assertTrue(VideoWriters.comment(target).contains("\"seed\":31"), VideoWriters.comment(target));
        assertTrue(Files.readString(folder.resolve("out.json")).contains("\"seed\" : 31"));
        assertEquals(List.of(name, "out.json").stream().sorted().toList(), names());
    }

    @Test
    void framesContainTheProvenance() throws IOException {
        Path frames = folder.resolve("frames");
        assertEquals(0, generate(frames, "--frames", 4).code());
        Path again = folder.resolve("again");
        CommandRun run =
                CommandRun.of("generate", "--like", frames.resolve("00004.png"), "--model", model, "-o", again);
        assertEquals(0, run.code(), run.err());
        for (int i = 1; i <= 4; i++) {
            String name = "0000" + i + ".png";
            assertArrayEquals(Files.readAllBytes(frames.resolve(name)), Files.readAllBytes(again.resolve(name)), name);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "out.avi | .webm for WebM (VP9), .webp for animated WebP, .gif for animated GIF, or no extension for",
                "out.png | name a folder without extension",
                "out.gif --fps 60 --frames 8 | must be at most 50 fps, found 60",
            })
    void unsupportedOutputsAreUsageErrors(String options, String message) throws IOException {
        String[] words = options.split(" ");
        Object[] more = Stream.of(words).skip(1).toArray();
        CommandRun run = generate(folder.resolve(words[0]), more);
        assertEquals(2, run.code(), run.err());
        assertTrue(run.err().contains(message), run.err());
        assertEquals(List.of(), names());
    }

    @Test
    void foldersWithOtherFilesAreKept() throws IOException {
        Path photos = Files.createDirectory(folder.resolve("photos"));
        Files.createFile(photos.resolve("me.jpg"));
        CommandRun run = generate(photos);
        assertEquals(1, run.code(), run.err());
        assertTrue(run.err().contains("found me.jpg"), run.err());
        assertEquals(List.of("photos"), names());
    }

    private static CommandRun generate(Path target, Object... options) {
        Object[] usual = {"generate", "a ring", "--model", model, "-o", target, "--steps", 2};
        return CommandRun.of(Stream.concat(Stream.of(usual), Stream.of(options)).toArray());
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
