package io.lingen;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.OutOfMemoryException;
import io.lingen.core.accounting.MemoryMeter;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.nd4j.Nd4jInterop;
import io.lingen.diffusion.SamplingStep;
import io.lingen.internal.MemoryCheck;
import io.lingen.text.PromptRewriter;
import io.lingen.vae.Frame;
import io.lingen.vae.FrameStream;
import io.lingen.video.Mp4Frames;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Generation from prompt to file, with a tiny model of random weights. */
class TextToVideoPipelineTest {
    private static final PipelineOptions OPTIONS =
            PipelineOptions.defaults().withBackend("cpu").withPrecision(DType.F32);

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
        MemoryMeter memory = pipeline.backend().memory();
        pipeline.close();
        assertEquals(0, memory.liveBytes(), "leaked tensors");
    }

    @Test
    void textCacheWithoutEffectIsReported() {
        PrintStream before = System.err;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        System.setErr(new PrintStream(printed, true, StandardCharsets.UTF_8));
        try {
            TextToVideoPipeline.load(model.toString(), OPTIONS.withTextCache(folder.resolve("prompts")))
                    .close();
        } finally {
            System.setErr(before);
        }
        String log = printed.toString(StandardCharsets.UTF_8);
        assertTrue(log.contains("prompts has no effect on text_encoder"), log);
    }

    @Test
    void generateWritesVideoAndSidecar() throws IOException {
        VideoRequest request = VideoRequest.builder("a red circle moves to the right")
                .negativePrompt("noise")
                .seed(7)
                .build();
        Path target = folder.resolve("out.mp4");
        VideoResult result = pipeline.generate(request, target);

        Mp4Frames video = Mp4Frames.read(target);
        assertEquals(24, video.width());
        assertEquals(24, video.height());
        assertEquals(16, video.fps());
        assertEquals(16, video.frames().size());
        assertEquals(request, result.plan().request());
        assertEquals(List.of("out.json", "out.mp4"), names());

        ObjectMapper mapper = new ObjectMapper();
        JsonNode provenance = mapper.readTree(Files.readAllBytes(result.sidecar()));
        assertEquals(provenance.get("request"), mapper.readTree(video.comment()).get("request"));
        JsonNode made = provenance.get("request");
        assertEquals("a red circle moves to the right", made.get("prompt").asText());
        assertEquals("noise", made.get("negative_prompt").asText());
        assertEquals(7, made.get("seed").asLong());
        assertEquals(4, made.get("steps").asInt());
        assertEquals(3, made.get("guidance").asDouble());
        assertEquals("f32", provenance.get("precision").asText());
        assertTrue(provenance.get("times_s").get("denoise").asDouble() > 0);
        assertEquals(result.provenance(), VideoProvenance.parse("tag", video.comment()));
        assertEquals(
                result.provenance(),
                VideoProvenance.parse("file", Files.readString(result.sidecar())),
                "the file describes the same video");
        assertEquals(result.provenance(), pipeline.provenance(pipeline.plan(request)));
    }

    @Test
    void equalRequestsGiveEqualVideosAndSeedsDiffer() throws IOException {
        byte[] first = bytes("a.mp4", 1);
        assertArrayEquals(first, bytes("b.mp4", 1));
        assertNotEquals(-1, java.util.Arrays.mismatch(first, bytes("c.mp4", 2)));
    }

    @Test
    void stepsAreTakenByTheCaller() throws IOException {
        long live = pipeline.backend().memory().liveBytes();
        try (Generation generation = pipeline.start(VideoRequest.of("a ring"))) {
            Iterator<SamplingStep> steps = generation.steps();
            assertEquals(1, steps.next().index());
            try (FrameStream preview = generation.frames()) {
                Frame frame = preview.next();
                assertEquals(24, frame.width());
            }
            assertEquals(2, steps.next().index());
            assertEquals(4, generation.latent().shape().length(0));
        }
        assertEquals(live, pipeline.backend().memory().liveBytes(), "an abandoned video leaves nothing");
    }

    @Test
    void latentsAndFramesAreNd4jArraysWithoutACopy() {
        try (Generation generation =
                pipeline.start(VideoRequest.builder("a ring").frames(4).steps(1).build())) {
            generation.steps().next();
            INDArray latent = Nd4jInterop.array(generation.latent());
            assertArrayEquals(generation.latent().shape().toArray(), latent.shape());
            latent.assign(0.5);
            assertEquals(0.5f, pipeline.backend().download(generation.latent()).get(7));
            try (FrameStream frames = generation.frames()) {
                HostTensor values = frames.nextValues();
                INDArray frame = Nd4jInterop.array(values);
                assertArrayEquals(new long[] {24, 24, 3}, frame.shape());
                assertEquals(values.get(5), frame.getFloat(0, 1, 2));
            }
        }
    }

    @Test
    void framesCanBeModifiedBeforeWriting() throws IOException {
        Path target = folder.resolve("gray.mp4");
        try (Generation generation =
                pipeline.start(VideoRequest.builder("a ring").frames(4).steps(1).build())) {
            generation.steps().forEachRemaining(step -> {});
            try (FrameStream frames = generation.frames()) {
                generation.write(VideoOutput.of(target), new Iterator<>() {
                    @Override
                    public boolean hasNext() {
                        return frames.hasNext();
                    }

                    @Override
                    public Frame next() {
                        Frame frame = frames.next();
                        java.util.Arrays.fill(frame.rgb(), (byte) 100);
                        return frame;
                    }
                });
            }
        }
        for (byte value : Mp4Frames.read(target).frames().get(3)) {
            assertEquals(100, value, 2);
        }
    }

    @Test
    void promptsAreRewrittenBeforeEncoding() throws IOException {
        PipelineOptions options = OPTIONS.withRewriter(prompt -> prompt + ", slowly");
        try (TextToVideoPipeline rewriting = TextToVideoPipeline.load(model.toString(), options)) {
            VideoRequest request =
                    VideoRequest.builder("a ring").frames(4).steps(1).build();
            VideoResult result = rewriting.generate(request, folder.resolve("out.mp4"));
            assertEquals("a ring, slowly", result.provenance().encodedPrompt());
            assertTrue(Files.readString(result.sidecar()).contains("\"a ring, slowly\""));
        }
    }

    @Test
    void thesaurusOfTheModelIsTheDefaultRewriter() throws IOException {
        Path copy = TinyModel.write(folder.resolve("model"));
        TinyModel.addThesaurus(copy, "blue\nsapphire\tblue\n");
        VideoRequest request =
                VideoRequest.builder("a sapphire ring").frames(4).steps(1).build();
        try (TextToVideoPipeline own = TextToVideoPipeline.load(copy.toString(), OPTIONS)) {
            assertEquals(List.of("a", "ring"), own.unknownWords("a sapphire ring, a blue ring"));
            VideoResult result = own.generate(request, folder.resolve("blue.mp4"));
            assertEquals("a blue ring", result.provenance().encodedPrompt());
            assertEquals("a sapphire ring", result.provenance().request().prompt());
            assertEquals(result.provenance(), own.provenance(own.plan(request)));
        }
        try (TextToVideoPipeline asWritten =
                TextToVideoPipeline.load(copy.toString(), OPTIONS.withRewriter(PromptRewriter.IDENTITY))) {
            assertEquals(
                    "a sapphire ring",
                    asWritten.provenance(asWritten.plan(request)).encodedPrompt());
        }
        Files.delete(copy.resolve("words.tsv"));
        CheckpointException missing =
                assertThrows(CheckpointException.class, () -> TextToVideoPipeline.load(copy.toString(), OPTIONS));
        assertTrue(missing.getMessage().contains("words.tsv"), missing.getMessage());
    }

    @Test
    void failedGenerationsLeaveNoFiles() {
        try (Generation generation =
                pipeline.start(VideoRequest.builder("a ring").frames(4).steps(1).build())) {
            Iterator<Frame> broken = new Iterator<>() {
                @Override
                public boolean hasNext() {
                    return true;
                }

                @Override
                public Frame next() {
                    throw new IllegalStateException("broken");
                }
            };
            assertThrows(
                    IllegalStateException.class,
                    () -> generation.write(VideoOutput.of(folder.resolve("out.mp4")), broken));
        }
        assertEquals(List.of(), names());
    }

    @Test
    void unsupportedSizesAreRejected() {
        IllegalArgumentException error = assertThrows(
                IllegalArgumentException.class,
                () -> pipeline.start(VideoRequest.builder("a ring").size(25, 24).build()));
        assertEquals("width must be a multiple of 4 up to 32, found 25; use 24 or 28", error.getMessage());
    }

    @ParameterizedTest
    @CsvSource({
        "cubic, 'schedule must be one of linear_quadratic, uniform, shifted, shifted:S, found ''cubic'''",
        "shifted:0, 'shift of a schedule must be a positive number, found 0.0'",
        "shifted:x, 'shift of a schedule must be a number, found ''shifted:x'''"
    })
    void unsupportedSchedulesAreRejected(String schedule, String message) {
        IllegalArgumentException error = assertThrows(
                IllegalArgumentException.class,
                () -> pipeline.plan(
                        VideoRequest.builder("a ring").schedule(schedule).build()));
        assertEquals(message, error.getMessage());
    }

    @Test
    void aSamplerThatTheModelDoesNotHaveIsRefused() {
        VideoRequest.Builder request = VideoRequest.builder("a ring");
        assertRefused(
                "sampler must be rectified_flow for this model, found 'unipc'",
                request.sampler("unipc").build());
        request.sampler("rectified_flow");
        assertRefused(
                "shift of the sampler rectified_flow must be part of its schedule, found 5.0; use the schedule shifted:5.0",
                request.shift(5).build());
        assertRefused(
                "times of the sampler rectified_flow must be those of a schedule, found [900.0, 400.0];"
                        + " use one of linear_quadratic, uniform, shifted, shifted:S",
                request.shift(null).times(List.of(900.0, 400.0)).build());
    }

    private static void assertRefused(String message, VideoRequest request) {
        assertEquals(
                message,
                assertThrows(IllegalArgumentException.class, () -> pipeline.plan(request))
                        .getMessage());
    }

    @Test
    void forecastGrowsWithTheLength() {
        long small = forecast(VideoRequest.builder("a ring").frames(4).build());
        long large = forecast(VideoRequest.builder("a ring").frames(32).build());
        assertTrue(small > 0 && large > small, small + " and " + large);
    }

    @Test
    void memoryCheckNamesNeedAndSettings() {
        OutOfMemoryException error = assertThrows(
                OutOfMemoryException.class,
                () -> MemoryCheck.require(
                        pipeline.backend(), "this video", Long.MAX_VALUE / 2, () -> List.of("a", "b")));
        assertTrue(error.getMessage().startsWith("this video needs about 4611686018.43 GB"), error.getMessage());
        assertTrue(error.getMessage().endsWith(" available to backend cpu; use a, or b"), error.getMessage());
    }

    @Test
    void missingAndOtherFoldersAreRejected() {
        assertThrows(
                CheckpointException.class,
                () -> TextToVideoPipeline.load(folder.resolve("no").toString()));
        CheckpointException error =
                assertThrows(CheckpointException.class, () -> TextToVideoPipeline.load(folder.toString()));
        assertTrue(error.getMessage().contains("model_index.json"), error.getMessage());
    }

    @Test
    void unknownBackendsAreNamed() {
        IllegalArgumentException error = assertThrows(
                IllegalArgumentException.class,
                () -> TextToVideoPipeline.load(model.toString(), OPTIONS.withBackend("abacus")));
        assertTrue(error.getMessage().contains("abacus"), error.getMessage());
        assertFalse(error.getMessage().isBlank());
    }

    private static long forecast(VideoRequest request) {
        return pipeline.forecast(pipeline.plan(request)).videoBytes();
    }

    private byte[] bytes(String name, long seed) throws IOException {
        Path target = folder.resolve(name);
        pipeline.generate(
                VideoRequest.builder("a ring").frames(8).steps(2).seed(seed).build(), target);
        Mp4Frames video = Mp4Frames.read(target);
        return video.frames().get(7);
    }

    private List<String> names() {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
