package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.Generation;
import io.lingen.LatentFile;
import io.lingen.TextToVideoPipeline;
import io.lingen.TinyModel;
import io.lingen.VideoProvenance;
import io.lingen.VideoRequest;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Commands keep the files of other videos and of the user, and report that before they compute. */
class KeptFilesTest {
    @TempDir
    static Path model;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeModel() throws IOException {
        TinyModel.write(model);
    }

    @Test
    void latentsOfAnotherPromptAreKept() throws IOException {
        Path target = folder.resolve("out.mp4");
        Path latents = interrupt(model, "a red circle", target);
        byte[] before = Files.readAllBytes(latents);
        CommandRun run = run("generate", "a blue ring", "-o", target);
        run.assertRefused(1, "found step 1 of 3 of \"a red circle\"");
        assertTrue(run.err().contains("resume that video (lingen resume " + latents + ")"), run.err());
        assertFalse(run.err().contains("denoising"), run.err());
        run("generate", "a blue ring", "-o", target, "--overwrite").assertRefused(1, "found step 1 of 3");
        assertEquals(List.of("out.latents.safetensors"), names());
        assertArrayEquals(before, Files.readAllBytes(latents));

        Path webm = folder.resolve("out.webm");
        assertEquals(0, run("generate", "a blue ring", "-o", webm).code());
        assertArrayEquals(before, Files.readAllBytes(latents));
        CommandRun none = CommandRun.of("resume", webm, "--model", model);
        none.assertRefused(1, "expected the latents of out.webm, found those of out.mp4");
        assertEquals(0, CommandRun.of("resume", target, "--model", model).code());
        assertEquals(List.of("out.json", "out.mp4", "out.mp4.json", "out.webm"), names());
        assertEquals("a blue ring", prompt(folder.resolve("out.json")));
        assertEquals("a red circle", prompt(folder.resolve("out.mp4.json")));
        assertEquals("a red circle", prompt(target));
    }

    @Test
    void otherFilesAreKeptWithoutOverwrite() throws IOException {
        Path target = Files.writeString(folder.resolve("out.mp4"), "a film");
        Path latents = interrupt(model, "a ring", folder.resolve("other.mp4"));
        run("generate", "a ring", "-o", target).assertRefused(1, "the output must be new or written by LinGen");
        CommandRun.of("resume", latents, "--model", model, "-o", target).assertRefused(1, "(--overwrite)");
        CommandRun.of("decode", latents, "--model", model, "-o", target).assertRefused(1, "(--overwrite)");
        assertEquals("a film", Files.readString(target));
        assertEquals(
                0,
                CommandRun.of("decode", latents, "--model", model, "-o", target, "--overwrite")
                        .code());
        assertEquals(0, run("generate", "a ring", "-o", target).code(), "its own is replaced");
    }

    @Test
    void sidecarOptionSelectsTheSidecar() throws IOException {
        Path target = folder.resolve("out.mp4");
        Path notes = Files.writeString(folder.resolve("out.json"), "{\"notes\": []}");
        CommandRun run = run("generate", "a ring", "-o", target, "--json");
        assertEquals(0, run.code(), run.err());
        assertEquals("a ring", prompt(folder.resolve("out.mp4.json")));
        assertEquals("{\"notes\": []}", Files.readString(notes));
        assertTrue(run.out().contains("\"description\":\"" + folder.resolve("out.mp4.json") + "\""), run.out());
        Files.delete(folder.resolve("out.mp4.json"));

        run = run("generate", "a ring", "-o", target, "--sidecar", "none", "--json");
        assertEquals(0, run.code(), run.err());
        assertEquals(List.of("out.json", "out.mp4"), names());
        assertFalse(run.out().contains("\"description\""), run.out());
        assertTrue(run.out().contains("\"times_s\""), run.out());

        Path record = folder.resolve("record");
        assertEquals(
                0, run("generate", "a ring", "-o", target, "--sidecar", record).code());
        assertEquals(
                "a ring",
                VideoProvenance.parse("record", Files.readString(record))
                        .request()
                        .prompt());
        run("generate", "a ring", "-o", target, "--sidecar", notes)
                .assertRefused(1, "the sidecar must be new or that of");
        run("generate", "a ring", "-o", target, "--sidecar", target)
                .assertRefused(2, "the sidecar must be another file than the video");
        assertEquals("{\"notes\": []}", Files.readString(notes));
    }

    /** Writes a sparse file of the large size that its header declares. */
    @Test
    @Timeout(60)
    void hugeLatentsAreRejected() throws IOException {
        Path latents = interrupt(model, "a ring", folder.resolve("out.mp4"));
        byte[] good = Files.readAllBytes(latents);
        int length = (int) good[0] & 0xFF | (good[1] & 0xFF) << 8 | (good[2] & 0xFF) << 16;
        String header = new String(good, 8, length, StandardCharsets.UTF_8);
        long bytes = 1L << 36;
        String huge = header.replaceFirst("\"shape\":\\[[0-9,]+\\]", "\"shape\":[4," + bytes / 16 + ",1,1]")
                .replaceFirst("\"data_offsets\":\\[[0-9,]+\\]", "\"data_offsets\":[0," + bytes + "]");
        byte[] text = (huge + " ".repeat(8 - huge.length() % 8)).getBytes(StandardCharsets.UTF_8);
        try (RandomAccessFile file = new RandomAccessFile(latents.toFile(), "rw")) {
            file.setLength(0);
            file.writeLong(Long.reverseBytes(text.length));
            file.write(text);
            file.setLength(8 + text.length + bytes);
        }
        for (Path named : List.of(latents, folder.resolve("out.mp4"))) {
            CommandRun.of("resume", named, "--model", model)
                    .assertRefused(1, "out.latents.safetensors: expected tensor");
        }
        CommandRun.of("decode", latents, "--model", model, "-o", folder.resolve("a.mp4"))
                .assertRefused(1, "with at most 4 values per pixel");
    }

    private static String prompt(Path file) throws IOException {
        String json = file.toString().endsWith(".json") ? Files.readString(file) : VideoWriters.comment(file);
        return String.valueOf(
                VideoProvenance.parse(file.toString(), json).request().prompt());
    }

    /** Writes the latents of a video with three steps after its first step. */
    static Path interrupt(Path model, String prompt, Path video) throws IOException {
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(model.toString());
                Generation generation = pipeline.start(
                        VideoRequest.builder(prompt).frames(4).steps(3).build())) {
            generation.saveLatents(video, 1, false);
            generation.steps().next();
        }
        return LatentFile.pathFor(video);
    }

    private static CommandRun run(Object... arguments) {
        return CommandRun.of(
                Stream.concat(Arrays.stream(arguments), Stream.of("--model", model, "--frames", 4, "--steps", 2))
                        .toArray());
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
