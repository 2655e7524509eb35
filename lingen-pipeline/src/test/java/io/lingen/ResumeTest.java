package io.lingen;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.SamplingStep;
import io.lingen.vae.Frame;
import io.lingen.vae.FrameStream;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Interrupted videos that are resumed, by the same pipeline and by another one. */
class ResumeTest {
    private static final PipelineOptions OPTIONS = PipelineOptions.defaults().withBackend("cpu");
    private static final VideoRequest REQUEST = VideoRequest.builder("a red ring")
            .frames(8)
            .steps(6)
            .eta(0.5)
            .seed(5)
            .build();

    @TempDir
    static Path model;

    private static TextToVideoPipeline pipeline;

    @TempDir
    Path folder;

    @BeforeAll
    static void load() throws IOException {
        pipeline = TextToVideoPipeline.load(TinyModel.write(model).toString(), OPTIONS);
    }

    @AfterAll
    static void close() {
        pipeline.close();
    }

    @Test
    void resumedVideosEqualUninterruptedOnes() throws IOException {
        Path whole = folder.resolve("whole.mp4");
        pipeline.generate(REQUEST, whole);
        assertEquals(List.of("whole.json", "whole.mp4"), names(), "the latents of a whole video are removed");
        Path target = folder.resolve("out.mp4");
        for (int stop : new int[] {1, 4, 6}) {
            LatentFile saved = interrupted(target, stop);
            assertEquals(stop, saved.step());
            assertEquals(6, saved.steps());
            assertEquals(target, saved.video());
            try (Generation generation = pipeline.resume(saved)) {
                assertEquals(stop, generation.stepsDone());
                generation.saveLatents(target, 2, false);
                generation.write(target);
            }
            assertArrayEquals(Files.readAllBytes(whole), Files.readAllBytes(target), "stopped after " + stop);
            assertFalse(Files.exists(saved.path()));
        }
    }

    @Test
    void anotherPipelineResumesAVideo() throws IOException {
        Path whole = folder.resolve("whole.mp4");
        pipeline.generate(REQUEST, whole);
        LatentFile saved = interrupted(folder.resolve("out.mp4"), 3);
        try (TextToVideoPipeline other = TextToVideoPipeline.load(model.toString(), OPTIONS);
                Generation generation = other.resume(saved)) {
            generation.write(folder.resolve("elsewhere.mp4"));
        }
        assertArrayEquals(Files.readAllBytes(whole), Files.readAllBytes(folder.resolve("elsewhere.mp4")));
        assertTrue(Files.exists(saved.path()), "what was not saved here is not removed here");
    }

    @Test
    void latentsAreSavedEveryFewStepsAndBeforeDecoding() throws IOException {
        Path target = folder.resolve("out.mp4");
        List<Integer> onDisk = new ArrayList<>();
        try (Generation generation = pipeline.start(REQUEST)) {
            generation.saveLatents(target, 4, false);
            for (Iterator<SamplingStep> steps = generation.steps(); steps.hasNext(); ) {
                steps.next();
                Path file = LatentFile.pathFor(target);
                onDisk.add(Files.exists(file) ? LatentFile.read(file).step() : 0);
            }
        }
        assertEquals(List.of(0, 0, 0, 4, 4, 6), onDisk);
        assertThrows(
                IllegalArgumentException.class, () -> pipeline.start(REQUEST).saveLatents(target, -1, false));
    }

    @Test
    void latentsAreKeptOnRequest() throws IOException {
        Path target = folder.resolve("out.mp4");
        try (Generation generation = pipeline.start(REQUEST)) {
            generation.saveLatents(target, 0, true);
            generation.write(target);
        }
        assertEquals(List.of("out.json", "out.latents.safetensors", "out.mp4"), names());
        assertEquals(6, LatentFile.find(target).step());
    }

    @Test
    void failedSavesDoNotFailTheVideo() throws IOException {
        Path target = folder.resolve("out.mp4");
        Path latents = LatentFile.pathFor(target);
        try (Generation generation = pipeline.start(REQUEST)) {
            generation.saveLatents(target, 1, false);
            Files.createDirectory(latents);
            generation.write(target);
        }
        assertEquals(List.of("out.json", "out.latents.safetensors", "out.mp4"), names());
    }

    @Test
    void tokenCancelsBeforeTheNextPassAndSavesTheLatents() throws IOException {
        Path target = folder.resolve("out.mp4");
        CancellationToken token = new CancellationToken();
        try (Generation generation = pipeline.start(REQUEST, token)) {
            generation.saveLatents(target, 5, false);
            Iterator<SamplingStep> steps = generation.steps();
            steps.next();
            steps.next();
            token.cancel();
            GenerationCancelledException error = assertThrows(GenerationCancelledException.class, steps::next);
            assertEquals(2, error.stepsDone());
            assertEquals(6, error.steps());
            assertEquals(LatentFile.pathFor(target), error.latents());
            assertEquals("cancelled after step 2 of 6; resume from " + LatentFile.pathFor(target), error.getMessage());
            assertThrows(GenerationCancelledException.class, generation::preview);
            assertThrows(GenerationCancelledException.class, () -> generation.write(target));
        }
        assertEquals(2, LatentFile.find(target).step());
        assertThrows(GenerationCancelledException.class, () -> pipeline.start(REQUEST, token));
        assertThrows(GenerationCancelledException.class, () -> pipeline.generate(REQUEST, target, token));
    }

    @Test
    void tokenCancelsBeforeTheNextFrame() throws IOException {
        Path target = folder.resolve("out.mp4");
        CancellationToken token = new CancellationToken();
        try (Generation generation = pipeline.start(REQUEST, token)) {
            generation.saveLatents(target, 5, false);
            generation.steps().forEachRemaining(step -> {});
            try (FrameStream frames = generation.frames()) {
                AtomicInteger taken = new AtomicInteger();
                Iterator<Frame> counted = new Iterator<>() {
                    @Override
                    public boolean hasNext() {
                        return frames.hasNext();
                    }

                    @Override
                    public Frame next() {
                        if (taken.incrementAndGet() == 4) {
                            token.cancel();
                        }
                        return frames.next();
                    }
                };
                GenerationCancelledException error = assertThrows(
                        GenerationCancelledException.class, () -> generation.write(VideoOutput.of(target), counted));
                assertTrue(
                        error.getMessage().startsWith("cancelled after all 6 steps and 3 frames"), error.getMessage());
            }
        }
        assertEquals(List.of("out.latents.safetensors"), names());
        assertNull(assertThrows(GenerationCancelledException.class, () -> pipeline.start(REQUEST, token))
                .latents());
    }

    @Test
    void previewsShowTheEstimateAndChangeNothing() throws IOException {
        Path whole = folder.resolve("whole.mp4");
        pipeline.generate(REQUEST, whole);
        long live = pipeline.backend().memory().liveBytes();
        try (Generation generation = pipeline.start(REQUEST)) {
            Iterator<SamplingStep> steps = generation.steps();
            assertArrayEquals(
                    first(generation.frames()), first(generation.preview()), "noise, for nothing else is known");
            steps.next();
            assertNotEquals(-1, Arrays.mismatch(first(generation.frames()), first(generation.preview())));
            while (steps.hasNext()) {
                steps.next();
            }
            assertArrayEquals(first(generation.frames()), first(generation.preview()), "the end of the flow");
            FrameStream left = generation.preview();
            left.next();
            generation.write(folder.resolve("out.mp4"));
        }
        assertEquals(live, pipeline.backend().memory().liveBytes(), "a stream that was not closed leaves nothing");
        assertArrayEquals(Files.readAllBytes(whole), Files.readAllBytes(folder.resolve("out.mp4")));
    }

    @Test
    void resumingReusesTheRewrittenPrompt() throws IOException {
        AtomicInteger calls = new AtomicInteger();
        PipelineOptions options = OPTIONS.withRewriter(prompt -> prompt + ", version " + calls.incrementAndGet());
        Path whole = folder.resolve("whole.mp4");
        try (TextToVideoPipeline rewriting = TextToVideoPipeline.load(model.toString(), options)) {
            try (Generation generation = rewriting.start(REQUEST)) {
                generation.saveLatents(whole, 2, true);
                for (Iterator<SamplingStep> steps = generation.steps(); generation.stepsDone() < 2; ) {
                    steps.next();
                }
                LatentFile saved = LatentFile.find(whole);
                generation.write(whole);
                try (Generation resumed = rewriting.resume(saved)) {
                    resumed.write(folder.resolve("out.mp4"));
                }
            }
        }
        assertEquals(1, calls.get());
        assertArrayEquals(Files.readAllBytes(whole), Files.readAllBytes(folder.resolve("out.mp4")));
    }

    @Test
    void unexpectedSamplerStateIsRejected() throws IOException {
        LatentFile saved = interrupted(folder.resolve("out.mp4"), 3);
        LatentFile other = new LatentFile(
                saved.path(), saved.latent(), Map.of("x", saved.latent()), 3, saved.output(), saved.provenance());
        String message = assertThrows(CheckpointException.class, () -> pipeline.resume(other))
                .getMessage();
        assertTrue(
                message.startsWith(saved.path() + ": state of the sampler after 3 of ")
                        && message.endsWith(" steps must have the tensors [], found [x]"),
                message);
    }

    @Test
    void latentsOfVersionOneAreDecoded() throws IOException {
        Path file = folder.resolve("version-1.latents.safetensors");
        try (InputStream stream = ResumeTest.class.getResourceAsStream("version-1.latents.safetensors")) {
            Files.write(file, stream.readAllBytes());
        }
        try (Generation generation = pipeline.decode(LatentFile.read(file), new CancellationToken())) {
            VideoResult result = generation.write(folder.resolve("decoded"));
            assertTrue(result.provenance().decoded().startsWith("after step 3 of 6"), result.toString());
        }
    }

    @Test
    void latentsOfAnotherModelBackendOrPrecisionAreRejected() throws IOException {
        LatentFile saved = interrupted(folder.resolve("out.mp4"), 3);
        Path otherModel = TinyModel.write(folder.resolve("other"));
        Files.writeString(
                otherModel.resolve("scheduler/config.json"),
                "{\"schedule\": \"linear_quadratic\", \"steps\": 5, \"guidance\": 3.0}");
        try (TextToVideoPipeline other = TextToVideoPipeline.load(otherModel.toString(), OPTIONS)) {
            String message = assertThrows(CheckpointException.class, () -> other.resume(saved))
                    .getMessage();
            assertTrue(message.contains(pipeline.modelHash()) && message.contains(other.modelHash()), message);
        }
        try (TextToVideoPipeline other = TextToVideoPipeline.load(model.toString(), OPTIONS.withPrecision(DType.F32))) {
            String message = assertThrows(IllegalArgumentException.class, () -> other.resume(saved))
                    .getMessage();
            assertTrue(message.contains("precision must be bf16 to resume"), message);
        }
        LatentFile shorter = new LatentFile(
                saved.path(), HostTensor.of(new float[2], 1, 2, 1, 1), Map.of(), 3, saved.output(), saved.provenance());
        String message = assertThrows(CheckpointException.class, () -> pipeline.resume(shorter))
                .getMessage();
        assertTrue(message.contains("for the recorded request, found [1, 2, 1, 1]"), message);
    }

    @Test
    void decodingCompleteLatentsGivesTheSameVideo() throws IOException {
        Path whole = folder.resolve("whole.mp4");
        pipeline.generate(REQUEST, whole);
        LatentFile saved = interrupted(folder.resolve("out.mp4"), 6);
        try (Generation generation = pipeline.decode(saved, new CancellationToken())) {
            assertFalse(generation.steps().hasNext());
            generation.write(folder.resolve("decoded.mp4"));
        }
        assertArrayEquals(Files.readAllBytes(whole), Files.readAllBytes(folder.resolve("decoded.mp4")));
        assertTrue(Files.exists(saved.path()));
    }

    @Test
    void decodedIncompleteLatentsAreRecordedInTheProvenance() throws IOException {
        LatentFile saved = interrupted(folder.resolve("out.mp4"), 2);
        Path target = folder.resolve("decoded.mp4");
        byte[] expected;
        try (Generation generation = pipeline.resume(saved)) {
            expected = first(generation.frames());
        }
        try (Generation generation = pipeline.decode(saved, new CancellationToken())) {
            assertArrayEquals(expected, first(generation.frames()));
            assertArrayEquals(expected, first(generation.preview()), "no velocity is known");
            generation.write(target);
        }
        VideoProvenance tag = VideoProvenance.parse("tag", VideoWriters.comment(target));
        assertEquals("after step 2 of 6", tag.decoded());
        assertEquals(saved.provenance().request(), tag.request());
    }

    @Test
    void latentsAreDecodedByAnotherModel() throws IOException {
        LatentFile saved = interrupted(folder.resolve("out.mp4"), 6);
        Path otherModel = TinyModel.write(folder.resolve("other"));
        try (ModelSource source =
                ModelSource.ofResource(ResumeTest.class.getClassLoader(), "io/lingen/fixtures/vae-attention")) {
            for (String file : List.of("vae/config.json", "vae/model.safetensors")) {
                Files.write(otherModel.resolve(file), source.read(file));
            }
        }
        try (TextToVideoPipeline other = TextToVideoPipeline.load(otherModel.toString(), OPTIONS)) {
            try (Generation generation = other.decode(saved, new CancellationToken())) {
                Shape latent = saved.latent().shape();
                assertEquals(2 * latent.length(1), generation.plan().frames());
                assertEquals(2 * latent.length(3), generation.plan().format().width());
                VideoResult result = generation.write(folder.resolve("decoded.webm"));
                assertEquals(
                        "by the decoder of other " + other.modelHash(),
                        result.provenance().decoded());
            }
            LatentFile thin = new LatentFile(
                    saved.path(), HostTensor.of(new float[3], 3, 1, 1, 1), Map.of(), 6, "out.mp4", saved.provenance());
            String message = assertThrows(CheckpointException.class, () -> other.decode(thin, new CancellationToken()))
                    .getMessage();
            assertTrue(message.contains("expected latents [4, T, H, W]"), message);
        }
    }

    private static byte[] first(FrameStream stream) {
        try (stream) {
            return stream.next().rgb();
        }
    }

    private LatentFile interrupted(Path target, int steps) throws IOException {
        try (Generation generation = pipeline.start(REQUEST)) {
            generation.saveLatents(target, 1, false);
            Iterator<SamplingStep> walk = generation.steps();
            for (int i = 0; i < steps; i++) {
                walk.next();
            }
        }
        return LatentFile.find(target);
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
