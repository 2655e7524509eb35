package io.lingen.toy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.Generation;
import io.lingen.LatentFile;
import io.lingen.MemoryEstimator;
import io.lingen.MemoryForecast;
import io.lingen.PipelineOptions;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoProvenance;
import io.lingen.VideoRequest;
import io.lingen.VideoResult;
import io.lingen.core.DType;
import io.lingen.core.accounting.MemoryMeter;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.SamplingStep;
import io.lingen.spi.ModelFamilies;
import io.lingen.spi.ModelFamily;
import io.lingen.vae.Frame;
import io.lingen.vae.FrameStream;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The features of the pipeline with a second model family, through the public API only. */
class ToyFamilyTest {
    private static final PipelineOptions OPTIONS =
            PipelineOptions.defaults().withBackend("cpu").withThreads(2);
    private static final VideoRequest LABEL =
            VideoRequest.ofLabel(3).toBuilder().seed(5).build();
    private static final VideoRequest PROMPT = VideoRequest.builder("a red ring over a sea")
            .negativePrompt("noise")
            .seed(5)
            .build();

    private static final VideoRequest FEW_STEPS = LABEL.toBuilder()
            .sampler(ToyModel.FEW_STEPS)
            .times(List.of(950.0, 700.0, 450.0, 200.0))
            .guidance(2)
            .build();

    @TempDir
    static Path model;

    private static TextToVideoPipeline pipeline;

    @TempDir
    Path folder;

    @BeforeAll
    static void load() throws IOException {
        pipeline = TextToVideoPipeline.load(ToyModel.write(model).toString(), OPTIONS);
    }

    @AfterAll
    static void close() {
        MemoryMeter memory = pipeline.backend().memory();
        pipeline.close();
        assertEquals(0, memory.liveBytes(), "leaked tensors");
    }

    @Test
    void bothFamiliesAreFound() {
        assertEquals(
                List.of("lingen", "toy"),
                ModelFamilies.all().stream().map(ModelFamily::name).toList());
    }

    @Test
    void foldersOfUnknownFamiliesAreRejectedWithTheKnownOnes() throws IOException {
        Path foreign = Files.createDirectory(folder.resolve("foreign"));
        Files.writeString(foreign.resolve("model_index.json"), "{\"_class_name\": \"WanPipeline\", \"vae\": [1]}");
        CheckpointException error =
                assertThrows(CheckpointException.class, () -> TextToVideoPipeline.load(foreign.toString(), OPTIONS));
        assertTrue(
                error.getMessage()
                        .startsWith("foreign/model_index.json: expected a model of the families lingen, toy,"
                                + " found _class_name \"WanPipeline\""),
                error.getMessage());
        Files.writeString(foreign.resolve("model_index.json"), "{\"format\": \"lingen\", \"family\": \"tats\"}");
        error = assertThrows(CheckpointException.class, () -> TextToVideoPipeline.load(foreign.toString(), OPTIONS));
        assertTrue(error.getMessage().contains("found format \"lingen\", family \"tats\""), error.getMessage());
    }

    @Test
    void labelsGiveVideos() throws IOException {
        Path target = folder.resolve("out.webp");
        VideoResult result = pipeline.generate(LABEL, target);
        assertEquals(9, result.plan().frames());
        assertEquals(3, result.provenance().request().label());
        assertEquals(result.provenance(), VideoProvenance.parse("tag", VideoWriters.comment(target)));
        assertEquals(result.provenance(), VideoProvenance.parse("file", Files.readString(result.sidecar())));
        assertNotEquals(-1, java.util.Arrays.mismatch(frame(LABEL), frame(PROMPT)));
        assertNotEquals(
                -1,
                java.util.Arrays.mismatch(
                        frame(LABEL), frame(LABEL.toBuilder().label(4).build())));
        assertArrayEquals(frame(LABEL), frame(LABEL));
    }

    /** The recorded settings of the sampler reproduce a video. */
    @Test
    void theSettingsOfASamplerAreRecorded() throws IOException {
        VideoRequest shifted = LABEL.toBuilder().shift(5).build();
        for (VideoRequest request : List.of(LABEL, shifted, FEW_STEPS)) {
            VideoResult result = pipeline.generate(request, folder.resolve("out.webp"));
            VideoRequest recorded = VideoProvenance.parse("file", Files.readString(result.sidecar()))
                    .request();
            assertEquals(result.plan().sampling(), pipeline.plan(recorded).sampling());
            assertEquals(request == FEW_STEPS ? ToyModel.FEW_STEPS : ToyModel.MULTISTEP, recorded.sampler());
            assertEquals(request == FEW_STEPS ? FEW_STEPS.times() : null, recorded.times());
            assertEquals(
                    request == FEW_STEPS ? null : request == LABEL ? (Double) 1.0 : (Double) 5.0, recorded.shift());
            assertArrayEquals(frame(request), frame(recorded));
        }
        assertNotEquals(-1, java.util.Arrays.mismatch(frame(LABEL), frame(shifted)));
        assertNotEquals(-1, java.util.Arrays.mismatch(frame(LABEL), frame(FEW_STEPS)));
    }

    @Test
    void negativePromptIsEncodedWithThePrompt() {
        assertNotEquals(
                -1,
                java.util.Arrays.mismatch(
                        frame(PROMPT),
                        frame(PROMPT.toBuilder().negativePrompt("a sea").build())));
    }

    @Test
    void encodedPromptsAreKeptAndUsedAgain() throws IOException {
        Path cache = folder.resolve("prompts");
        byte[] expected = frame(PROMPT);
        for (int run = 0; run < 2; run++) {
            try (TextToVideoPipeline cached =
                    TextToVideoPipeline.load(model.toString(), OPTIONS.withTextCache(cache))) {
                assertArrayEquals(expected, frame(cached, PROMPT));
                assertArrayEquals(frame(LABEL), frame(cached, LABEL));
            }
            try (Stream<Path> files = Files.list(cache)) {
                assertEquals(2, files.count(), "a prompt and a negative prompt");
            }
        }
        try (TextToVideoPipeline cached = TextToVideoPipeline.load(
                model.toString(), OPTIONS.withTextCache(cache).withPrecision(DType.F32))) {
            frame(cached, PROMPT);
        }
        try (Stream<Path> files = Files.list(cache)) {
            assertEquals(4, files.count(), "those of another precision");
        }
    }

    @Test
    void resumedVideosEqualUninterruptedOnesFromEveryStep() throws IOException {
        for (VideoRequest request : List.of(LABEL, PROMPT, FEW_STEPS)) {
            Files.deleteIfExists(LatentFile.pathFor(folder.resolve("out.mp4")));
            Path whole = folder.resolve("whole.mp4");
            VideoResult result = pipeline.generate(request, whole);
            int steps = result.plan().steps();
            for (int stop = 1; stop <= steps; stop++) {
                Path target = folder.resolve("out.mp4");
                try (Generation generation = pipeline.start(request)) {
                    generation.saveLatents(target, 1, false);
                    Iterator<SamplingStep> walk = generation.steps();
                    for (int i = 0; i < stop; i++) {
                        walk.next();
                    }
                }
                LatentFile saved = LatentFile.find(target);
                assertEquals(
                        stop < steps && request != FEW_STEPS ? Set.of("previous") : Set.of(),
                        saved.samplerState().keySet());
                try (TextToVideoPipeline other = TextToVideoPipeline.load(model.toString(), OPTIONS);
                        Generation generation = other.resume(saved)) {
                    assertEquals(stop, generation.stepsDone());
                    generation.write(target);
                }
                assertArrayEquals(Files.readAllBytes(whole), Files.readAllBytes(target), "stopped after " + stop);
            }
        }
    }

    @Test
    void resumingWithoutSamplerStateIsRejected() throws IOException {
        LatentFile saved = interrupted();
        LatentFile stateless = new LatentFile(
                saved.path(), saved.latent(), java.util.Map.of(), saved.step(), saved.output(), saved.provenance());
        CheckpointException error = assertThrows(CheckpointException.class, () -> pipeline.resume(stateless));
        assertTrue(
                error.getMessage()
                        .endsWith("state of the sampler after 2 of 6 steps must have the tensors [previous], found []"),
                error.getMessage());
    }

    @Test
    void previewsShowTheEstimate() {
        try (Generation generation = pipeline.start(PROMPT)) {
            Iterator<SamplingStep> steps = generation.steps();
            assertArrayEquals(first(generation.frames()), first(generation.preview()), "noise, for nothing is known");
            steps.next();
            assertFalse(java.util.Arrays.equals(first(generation.frames()), first(generation.preview())));
        }
    }

    @Test
    void memoryIsForecast() {
        try (MemoryEstimator estimator = MemoryEstimator.of(model.toString(), OPTIONS)) {
            MemoryForecast small = estimator.forecast(LABEL);
            VideoRequest request = PROMPT.toBuilder().size(64, 64).frames(33).build();
            MemoryForecast large = estimator.forecast(request);
            assertTrue(small.weights() > 0 && large.denoising() > small.denoising(), small + ", " + large);
            assertTrue(large.decoding() > small.decoding(), small + ", " + large);
            List<String> settings =
                    estimator.fittingSettings(request, large.videoBytes() - 1, MemoryForecast::videoBytes);
            assertTrue(settings.get(0).matches("at most [\\d.]+ s \\(29 frames\\) at 64x64"), settings.toString());
            assertTrue(settings.get(1).matches("56x56 for 4.125 s"), settings.toString());
        }
    }

    /** The forecast equals the memory of the tensors on the computing backend. */
    @Test
    void forecastIncludesTheStateOfTheSampler() {
        VideoRequest request = LABEL.toBuilder().size(64, 64).frames(33).build();
        MemoryMeter memory = pipeline.backend().memory();
        long before = memory.liveBytes();
        memory.resetPeak();
        try (Generation generation = pipeline.start(request)) {
            generation.steps().forEachRemaining(step -> {});
        }
        long latent = 4L * 4 * 9 * 16 * 16;
        assertTrue(memory.peakBytes() - before > 3 * latent, "latent, this step's and the one before");
        long forecast = pipeline.forecast(pipeline.plan(request)).denoising();
        assertTrue(forecast >= memory.peakBytes() - before, forecast + " and " + (memory.peakBytes() - before));
    }

    @Test
    void pipelineUsesTheDescriptionOfTheFamily() {
        assertEquals(List.of("42", "!"), pipeline.unknownWords("ring 42 moves !"));
        assertEquals(
                "schedule must be absent for the sampler multistep, found uniform",
                refusal(PROMPT.toBuilder().schedule("uniform")));
        assertEquals(
                "sampler must be one of multistep, few_steps for this model, found 'unipc'",
                refusal(PROMPT.toBuilder().sampler("unipc")));
        assertEquals(
                "times must be absent for the sampler multistep, found [900.0, 400.0]; use the sampler few_steps",
                refusal(PROMPT.toBuilder().times(List.of(900.0, 400.0))));
        assertEquals(
                "sampler few_steps must have times or a shift, found neither",
                refusal(PROMPT.toBuilder().sampler("few_steps").steps(4).guidance(2)));
        assertEquals(
                "the toy's steps renew no noise: eta must be 0, found 0.5",
                refusal(PROMPT.toBuilder().eta(0.5)));
        assertEquals(
                "class label must be 0 to 4, found 5", refusal(LABEL.toBuilder().label(5)));
        assertEquals(
                "number of frames must be 1 + a multiple of 4 up to 33, found 8; use 5 or 9",
                refusal(PROMPT.toBuilder().frames(8)));
    }

    @Test
    void componentsAreLoadedAlone() throws IOException {
        Path part = Files.createDirectory(folder.resolve("part"));
        Files.copy(model.resolve("model_index.json"), part.resolve("model_index.json"));
        Files.createDirectory(part.resolve("denoiser"));
        Files.copy(model.resolve("denoiser/model.safetensors"), part.resolve("denoiser/model.safetensors"));
        try (ModelSource source = ModelSource.of(part)) {
            ModelFamilies.open(source)
                    .loadDenoiser(pipeline.backend(), DType.F32)
                    .close();
        }
    }

    private String refusal(VideoRequest.Builder request) {
        return assertThrows(IllegalArgumentException.class, () -> pipeline.plan(request.build()))
                .getMessage();
    }

    private LatentFile interrupted() throws IOException {
        Path target = folder.resolve("out.mp4");
        try (Generation generation = pipeline.start(PROMPT)) {
            generation.saveLatents(target, 1, false);
            Iterator<SamplingStep> steps = generation.steps();
            steps.next();
            steps.next();
        }
        return LatentFile.find(target);
    }

    private static byte[] frame(VideoRequest request) {
        return frame(pipeline, request);
    }

    private static byte[] frame(TextToVideoPipeline by, VideoRequest request) {
        try (Generation generation = by.start(request)) {
            generation.steps().forEachRemaining(step -> {});
            return first(generation.frames());
        }
    }

    private static byte[] first(FrameStream stream) {
        try (stream) {
            Frame frame = stream.next();
            return frame.rgb();
        }
    }
}
