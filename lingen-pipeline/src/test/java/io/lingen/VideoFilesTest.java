package io.lingen;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.vae.Frame;
import io.lingen.vae.FrameStream;
import io.lingen.video.VideoFormat;
import io.lingen.video.VideoWriter;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files of other videos and of the user are neither replaced nor deleted. */
class VideoFilesTest {
    private static final VideoRequest RED = request("a red circle");
    private static final VideoRequest BLUE = request("a blue ring");

    @TempDir
    static Path model;

    private static TextToVideoPipeline pipeline;

    @TempDir
    Path folder;

    private static VideoRequest request(String prompt) {
        return VideoRequest.builder(prompt).frames(4).steps(3).guidance(1).build();
    }

    @BeforeAll
    static void load() throws IOException {
        pipeline = TextToVideoPipeline.load(
                TinyModel.write(model).toString(), PipelineOptions.defaults().withBackend("cpu"));
    }

    @AfterAll
    static void close() {
        pipeline.close();
    }

    @Test
    void latentsOfAnotherRequestAreKept() throws IOException {
        Path target = folder.resolve("out.mp4");
        LatentFile red = interrupted(RED, target);
        byte[] before = Files.readAllBytes(red.path());

        String message = assertThrows(FileAlreadyExistsException.class, () -> pipeline.generate(BLUE, target))
                .getMessage();
        assertEquals(
                red.path()
                        + ": the latents must be those of this video, found step 1 of 3 of \"a red circle\" with another"
                        + " request, model or version; resume that video (lingen resume " + red.path()
                        + "), choose another output, or remove the file",
                message);
        assertThrows(
                FileAlreadyExistsException.class,
                () -> LatentFile.findMatching(target, pipeline.provenance(pipeline.plan(BLUE))));
        assertEquals(List.of("out.latents.safetensors"), names());
        assertArrayEquals(before, Files.readAllBytes(red.path()));

        assertEquals(
                1,
                Objects.requireNonNull(LatentFile.findMatching(target, pipeline.provenance(pipeline.plan(RED))))
                        .step());
        pipeline.generate(RED, target);
        assertEquals(List.of("out.json", "out.mp4"), names(), "the same video replaces its own");
    }

    /** Two concurrent runs with one target, which both start before latents exist. */
    @Test
    void latentsOfARunningVideoAreKept() throws IOException {
        Path target = folder.resolve("out.mp4");
        try (Generation red = pipeline.start(RED);
                Generation blue = pipeline.start(BLUE)) {
            red.saveLatents(target, 1, false);
            blue.saveLatents(target, 1, false);
            red.steps().next();
            blue.steps().next();
            assertNull(blue.savedLatents());
            assertEquals(
                    RED.prompt(), LatentFile.find(target).provenance().request().prompt());
            blue.write(target);
        }
        assertEquals(1, LatentFile.find(target).step(), "not removed with the other video");
    }

    @Test
    void latentsOfAnotherFormatAreKept() throws IOException {
        Path webm = folder.resolve("out.webm");
        Path mp4 = folder.resolve("out.mp4");
        LatentFile first = interrupted(RED, webm);
        LatentFile second = interrupted(BLUE, mp4);
        assertEquals(List.of("out.latents.safetensors", "out.mp4.latents.safetensors"), names());
        assertEquals(first.path(), LatentFile.find(webm).path());
        assertEquals(second.path(), LatentFile.find(mp4).path());
        assertEquals(second.path(), LatentFile.pathFor(mp4));

        resume(second, mp4);
        assertEquals(List.of("out.json", "out.latents.safetensors", "out.mp4"), names());
        resume(first, webm);
        assertEquals(List.of("out.json", "out.mp4", "out.webm", "out.webm.json"), names());
        assertEquals("a blue ring", prompt("out.json"));
        assertEquals("a red circle", prompt("out.webm.json"));

        pipeline.generate(BLUE, webm);
        assertEquals("a blue ring", prompt("out.webm.json"), "the sidecar that it had");
        assertEquals(List.of("out.json", "out.mp4", "out.webm", "out.webm.json"), names());
    }

    @Test
    void foldersOfFramesHaveSecondNames() throws IOException {
        pipeline.generate(RED, folder.resolve("out.mp4"));
        VideoResult result = pipeline.generate(BLUE, folder.resolve("out"));
        assertEquals(folder.resolve("out.frames.json"), result.sidecar());
        assertEquals("a red circle", prompt("out.json"));
        assertEquals("a blue ring", prompt("out.frames.json"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{}", "{\"video\": \"out.mp4\"}", "{\"lingen\": \"1\"}", "[1, 2]", "no JSON"})
    void otherFilesWithTheNameOfTheSidecarAreKept(String text) throws IOException {
        Path own = Files.writeString(folder.resolve("out.json"), text);
        VideoResult result = pipeline.generate(RED, folder.resolve("out.mp4"));
        assertEquals(folder.resolve("out.mp4.json"), result.sidecar());
        assertEquals(text, Files.readString(own));

        Path second = Files.writeString(folder.resolve("b.mp4.json"), text);
        Files.writeString(folder.resolve("b.json"), text);
        String message = assertThrows(
                        FileAlreadyExistsException.class, () -> pipeline.generate(RED, folder.resolve("b.mp4")))
                .getMessage();
        assertTrue(message.contains("found other files named b.json and b.mp4.json; name another one"), message);
        assertEquals(text, Files.readString(second));
        assertFalse(Files.exists(folder.resolve("b.mp4")));
    }

    @Test
    void otherFilesWithTheNameOfTheLatentsAreKept() throws IOException {
        Path own = Files.writeString(folder.resolve("out.latents.safetensors"), "mine");
        Path target = folder.resolve("out.mp4");
        LatentFile saved = interrupted(RED, target);
        assertEquals(folder.resolve("out.mp4.latents.safetensors"), saved.path());
        assertEquals(saved.path(), LatentFile.find(target).path());
        resume(saved, target);
        assertEquals("mine", Files.readString(own));

        Files.writeString(folder.resolve("out.mp4.latents.safetensors"), "mine too");
        String message = assertThrows(FileAlreadyExistsException.class, () -> pipeline.generate(RED, target))
                .getMessage();
        assertTrue(message.contains("the latents of out.mp4 must have a name of their own"), message);
        assertThrows(CheckpointException.class, () -> LatentFile.find(target));
    }

    @Test
    void latentsOfAnotherVideoAreNotFound() throws IOException {
        LatentFile webm = interrupted(RED, folder.resolve("out.webm"));
        String message = assertThrows(CheckpointException.class, () -> LatentFile.find(folder.resolve("out.mp4")))
                .getMessage();
        assertEquals(
                webm.path()
                        + ": expected the latents of out.mp4, found those of out.webm; to use them, name the latents file"
                        + " instead of a video",
                message);
        assertEquals(webm.step(), LatentFile.find(webm.path()).step());
    }

    @ParameterizedTest
    @ValueSource(strings = {"out.mp4", "out.webm", "out.webp", "out.gif"})
    void filesThatLinGenDidNotWriteAreKept(String name) throws IOException {
        Path target = Files.writeString(folder.resolve(name), "a film of the user");
        String message = assertThrows(FileAlreadyExistsException.class, () -> pipeline.generate(RED, target))
                .getMessage();
        assertEquals(
                target
                        + ": the output must be new or written by LinGen, found another file; choose another output, or replace"
                        + " this one (--overwrite)",
                message);
        try (Generation generation = pipeline.start(RED)) {
            assertThrows(FileAlreadyExistsException.class, () -> generation.write(target));
            assertEquals(0, generation.stepsDone(), "refused before anything is computed");
        }
        assertEquals(List.of(name), names());
        assertEquals("a film of the user", Files.readString(target));

        // A video with a comment, but not of LinGen.
        writeFrames(target, "my comment");
        assertThrows(FileAlreadyExistsException.class, () -> pipeline.generate(RED, target));

        pipeline.generate(RED, VideoOutput.of(target).overwriting(), new CancellationToken());
        VideoResult again = pipeline.generate(BLUE, target);
        assertEquals(
                again.provenance(), VideoProvenance.parse("tag", VideoWriters.comment(target)), "its own is replaced");
    }

    @Test
    void framesThatLinGenDidNotWriteAreKept() throws IOException {
        Path target = folder.resolve("out");
        writeFrames(target, "");
        assertThrows(FileAlreadyExistsException.class, () -> pipeline.generate(RED, target));
        pipeline.generate(RED, VideoOutput.of(target).overwriting(), new CancellationToken());
        pipeline.generate(BLUE, target);

        Path other = folder.resolve("other");
        writeFrames(other, "");
        Path mixed = Files.move(other.resolve("00001.png"), target.resolve("00009.png"));
        byte[] before = Files.readAllBytes(mixed);
        FileAlreadyExistsException error =
                assertThrows(FileAlreadyExistsException.class, () -> pipeline.generate(RED, target));
        assertEquals(mixed.toString(), error.getFile(), "every frame is looked at");
        assertArrayEquals(before, Files.readAllBytes(mixed));
    }

    @Test
    void emptyFilesAreReplaced() throws IOException {
        Path target = Files.createFile(folder.resolve("out.mp4"));
        pipeline.generate(RED, target);
        pipeline.generate(RED, Files.createDirectory(folder.resolve("frames")));
        assertTrue(Files.size(target) > 0);
    }

    @Test
    void filesThatAppearWhileWritingAreKept() throws IOException {
        Path target = folder.resolve("out.mp4");
        try (Generation generation = pipeline.start(RED)) {
            generation.saveLatents(target, 0, false);
            generation.steps().forEachRemaining(step -> {});
            FrameStream frames = generation.frames();
            Iterator<Frame> slow = new Iterator<>() {
                @Override
                public boolean hasNext() {
                    return frames.hasNext();
                }

                @Override
                public Frame next() {
                    try {
                        Files.writeString(target, "copied here meanwhile");
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                    return frames.next();
                }
            };
            assertThrows(FileAlreadyExistsException.class, () -> generation.write(VideoOutput.of(target), slow));
        }
        assertEquals("copied here meanwhile", Files.readString(target));
        assertEquals(3, LatentFile.find(target).step(), "what was computed is not lost");
        assertEquals(List.of("out.latents.safetensors", "out.mp4"), names());
    }

    /** An old sidecar would contain the provenance of the replaced video. */
    @Test
    void theSidecarOfAReplacedVideoIsReplacedOrRemoved() throws IOException {
        Path target = folder.resolve("out.mp4");
        pipeline.generate(RED, target);
        pipeline.generate(BLUE, VideoOutput.of(target).withoutSidecar(), new CancellationToken());
        assertEquals(List.of("out.mp4"), names());

        Files.writeString(folder.resolve("out.json"), "mine");
        pipeline.generate(RED, target);
        Files.delete(folder.resolve("out.json"));
        assertEquals(List.of("out.mp4", "out.mp4.json"), names());
        pipeline.generate(
                BLUE, VideoOutput.of(target).withSidecar(folder.resolve("./out.mp4.json")), new CancellationToken());
        assertEquals("a blue ring", prompt("out.mp4.json"), "the same file by another path");
        pipeline.generate(RED, VideoOutput.of(target).withSidecar(folder.resolve("red")), new CancellationToken());
        assertEquals(List.of("out.mp4", "red"), names());

        pipeline.generate(BLUE, folder.resolve("out.webm"));
        pipeline.generate(BLUE, VideoOutput.of(target).withoutSidecar(), new CancellationToken());
        assertEquals(List.of("out.json", "out.mp4", "out.webm", "red"), names(), "that of another video is kept");
    }

    @Test
    void sidecarCanBeRenamedOrOmitted() throws IOException {
        Path target = folder.resolve("out.mp4");
        VideoOutput without = VideoOutput.of(target).withoutSidecar();
        assertNull(without.sidecar());
        VideoResult result = pipeline.generate(RED, without, new CancellationToken());
        assertNull(result.sidecar());
        assertEquals(List.of("out.mp4"), names());

        Path named = Files.createDirectory(folder.resolve("records")).resolve("red.txt");
        VideoOutput other = VideoOutput.of(target).withSidecar(named);
        result = pipeline.generate(RED, other, new CancellationToken());
        assertEquals(named, result.sidecar());
        assertEquals(result.provenance(), VideoProvenance.parse("sidecar", Files.readString(named)));
        assertEquals(result.provenance(), VideoProvenance.parse("line", result.toJson()));
        pipeline.generate(BLUE, other, new CancellationToken());
        assertEquals("a blue ring", prompt("records/red.txt"), "its own is replaced");

        Files.writeString(named, "mine");
        assertThrows(FileAlreadyExistsException.class, () -> pipeline.generate(RED, other, new CancellationToken()));
        assertEquals("mine", Files.readString(named));
        pipeline.generate(RED, other.overwriting(), new CancellationToken());
        assertEquals("a red circle", prompt("records/red.txt"));

        assertThrows(
                IOException.class,
                () -> pipeline.generate(
                        RED,
                        VideoOutput.of(target).withSidecar(folder.resolve("missing/red.json")),
                        new CancellationToken()));
        assertThrows(
                IllegalArgumentException.class, () -> VideoOutput.of(target).withSidecar(folder.resolve("./out.mp4")));
        assertThrows(IllegalArgumentException.class, () -> VideoOutput.of(target)
                .withSidecar(folder.resolve("out.latents.safetensors")));
    }

    /** Writes a video with another comment than LinGen's. */
    private static void writeFrames(Path target, String comment) throws IOException {
        Files.deleteIfExists(target);
        try (VideoWriter writer = VideoWriters.open(target, new VideoFormat(16, 16, 10), comment)) {
            writer.write(new byte[16 * 16 * 3]);
            writer.write(new byte[16 * 16 * 3]);
            writer.finish();
        }
    }

    private LatentFile interrupted(VideoRequest request, Path target) throws IOException {
        try (Generation generation = pipeline.start(request)) {
            generation.saveLatents(target, 1, false);
            generation.steps().next();
            return LatentFile.read(Objects.requireNonNull(generation.savedLatents()));
        }
    }

    private static void resume(LatentFile saved, Path target) throws IOException {
        try (Generation generation = pipeline.resume(saved)) {
            generation.saveLatents(target, 1, false);
            generation.write(target);
        }
    }

    private String prompt(String json) throws IOException {
        return String.valueOf(VideoProvenance.parse(json, Files.readString(folder.resolve(json)))
                .request()
                .prompt());
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
