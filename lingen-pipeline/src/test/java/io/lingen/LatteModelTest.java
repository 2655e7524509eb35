package io.lingen;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.accounting.MemoryMeter;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.diffusion.SamplingStep;
import io.lingen.vae.FrameStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole Latte models of every condition, from request to frames. */
class LatteModelTest {
    private static final PipelineOptions OPTIONS = PipelineOptions.defaults().withBackend("cpu");

    @TempDir
    static Path models;

    private static TextToVideoPipeline classes;
    private static TextToVideoPipeline unconditional;
    private static TextToVideoPipeline texts;

    @TempDir
    Path folder;

    @BeforeAll
    static void load() throws IOException {
        classes = load("class");
        unconditional = load("none");
        texts = load("text");
    }

    private static TextToVideoPipeline load(String condition) throws IOException {
        return TextToVideoPipeline.load(
                TinyLatte.write(models.resolve(condition), condition).toString(), OPTIONS);
    }

    @AfterAll
    static void close() {
        for (TextToVideoPipeline pipeline : new TextToVideoPipeline[] {classes, unconditional, texts}) {
            pipeline.close();
        }
    }

    @Test
    void fixedSizesAndLengthsAreTheDefaults() {
        VideoPlan plan = classes.plan(VideoRequest.ofLabel(2));
        assertEquals(40, plan.format().width());
        assertEquals(24, plan.format().height());
        assertEquals(3, plan.frames());
        assertEquals("ddpm", plan.sampling().sampler());
        assertEquals(3, plan.guidance());
        assertEquals(
                3,
                classes.plan(VideoRequest.ofLabel(2).toBuilder().fps(25).build())
                        .frames(),
                "the only length at another frame rate");
        assertEquals(32, texts.plan(VideoRequest.of("a ring")).format().width());
        assertEquals(3, texts.plan(VideoRequest.of("a ring")).frames());
    }

    @Test
    void unsupportedRequestsAreRejectedByName() {
        refused(classes, VideoRequest.of("a ring"), "must have a class label from 0 to 4, found a prompt");
        refused(classes, VideoRequest.unconditional(), "must have a class label from 0 to 4, found none");
        refused(classes, VideoRequest.ofLabel(5), "class label must be 0 to 4, found 5");
        refused(
                classes,
                VideoRequest.ofLabel(1).toBuilder().frames(16).build(),
                "number of frames must be 3, found 16; use 3");
        refused(
                classes,
                VideoRequest.ofLabel(1).toBuilder().size(48, 24).build(),
                "width must be 40, found 48; use 40");
        refused(
                classes,
                VideoRequest.ofLabel(1).toBuilder().schedule("uniform").build(),
                "schedule must be even or leading for the sampler ddpm, found 'uniform'");
        refused(
                classes,
                VideoRequest.ofLabel(1).toBuilder().eta(0.5).build(),
                "eta must be 0 for the sampler ddpm, found 0.5; omit it, or use the sampler ddim");
        refused(
                classes,
                VideoRequest.ofLabel(1).toBuilder().shift(3).build(),
                "sampler ddpm must have a schedule in place of a shift");
        refused(
                classes,
                VideoRequest.ofLabel(1).toBuilder().steps(1001).build(),
                "steps must be 1 to 1000, found 1001");
        refused(
                classes,
                VideoRequest.ofLabel(1).toBuilder().sampler("unipc").build(),
                "sampler must be one of ddpm, ddim for this model, found 'unipc'");
        refused(unconditional, VideoRequest.of("a ring"), "must have neither a prompt nor a class label");
        refused(unconditional, VideoRequest.ofLabel(0), "found the class label 0; omit it");
        refused(
                unconditional,
                VideoRequest.unconditional().toBuilder().guidance(2).build(),
                "guidance must be 1 for an unconditional model, found 2.0; omit it");
        refused(texts, VideoRequest.ofLabel(1), "must have a prompt, found the class label 1");
        refused(texts, VideoRequest.unconditional(), "must have a prompt, found none");
        refused(
                texts,
                VideoRequest.builder("a ring").frames(2).build(),
                "number of frames must be 1 or 3, found 2; use 1 or 3");
        refused(
                texts,
                VideoRequest.builder("a ring").size(36, 32).build(),
                "width must be a multiple of 8 up to 128, found 36; use 32 or 40");
    }

    private static void refused(TextToVideoPipeline pipeline, VideoRequest request, String message) {
        String found = assertThrows(IllegalArgumentException.class, () -> pipeline.plan(request))
                .getMessage();
        assertTrue(found.contains(message), found);
    }

    @ParameterizedTest
    @CsvSource({"class, ddpm, 0", "class, ddim, 0.5", "none, ddpm, 0", "text, ddim, 0"})
    void resumedVideosEqualUninterruptedOnesFromEveryStep(String condition, String sampler, double eta)
            throws IOException {
        VideoRequest.Builder subject = condition.equals("class")
                ? VideoRequest.ofLabel(3).toBuilder()
                : condition.equals("none")
                        ? VideoRequest.unconditional().toBuilder()
                        : VideoRequest.builder("A red ring").negativePrompt("blur");
        VideoRequest request = subject.sampler(sampler).eta(eta).seed(4).build();
        TextToVideoPipeline pipeline =
                condition.equals("class") ? classes : condition.equals("none") ? unconditional : texts;
        Path whole = folder.resolve("whole.mp4");
        VideoResult result = pipeline.generate(request, whole);
        VideoRequest recorded = VideoProvenance.parse("file", Files.readString(result.sidecar()))
                .request();
        assertEquals(request.prompt(), recorded.prompt());
        assertEquals(request.label(), recorded.label());
        assertEquals(result.plan().sampling(), pipeline.plan(recorded).sampling());
        for (int stop = 1; stop <= 4; stop++) {
            Path target = folder.resolve("out.mp4");
            try (Generation generation = pipeline.start(recorded)) {
                generation.saveLatents(target, 1, false);
                Iterator<SamplingStep> steps = generation.steps();
                for (int i = 0; i < stop; i++) {
                    steps.next();
                }
                generation.preview().close();
            }
            try (Generation generation = pipeline.resume(LatentFile.find(target))) {
                assertEquals(stop, generation.stepsDone());
                generation.write(target);
            }
            assertArrayEquals(Files.readAllBytes(whole), Files.readAllBytes(target), "stopped after " + stop);
        }
    }

    @Test
    void conditionsChangeTheVideo() {
        byte[] one = frame(classes, VideoRequest.ofLabel(1));
        assertArrayEquals(one, frame(classes, VideoRequest.ofLabel(1)));
        assertNotEquals(-1, Arrays.mismatch(one, frame(classes, VideoRequest.ofLabel(2))));
        byte[] ring = frame(texts, VideoRequest.of("A Red Ring "));
        assertArrayEquals(ring, frame(texts, VideoRequest.of("a red ring")), "prompts are in lower case");
        assertNotEquals(-1, Arrays.mismatch(ring, frame(texts, VideoRequest.of("a blue sea"))));
    }

    @Test
    void textEncoderMayBeT5() throws IOException {
        Path model = TinyLatte.writeWithT5(folder.resolve("t5"));
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(model.toString(), OPTIONS)) {
            byte[] ring = frame(pipeline, VideoRequest.of("A Ring "));
            assertArrayEquals(ring, frame(pipeline, VideoRequest.of("a ring")));
            assertNotEquals(-1, Arrays.mismatch(ring, frame(pipeline, VideoRequest.of("a sea"))));
        }
        String before = hash(model);
        Path weights = weights(model.resolve("text_encoder"));
        byte[] bytes = Files.readAllBytes(weights);
        bytes[bytes.length - 2] ^= 1;
        Files.write(weights, bytes);
        assertNotEquals(before, hash(model), "the encoder is part of the model");
        Files.delete(model.resolve("text_encoder/tokenizer.json"));
        assertThrows(CheckpointException.class, () -> TextToVideoPipeline.load(model.toString(), OPTIONS)
                .close());
    }

    private static Path weights(Path component) throws IOException {
        try (Stream<Path> files = Files.list(component)) {
            return files.filter(file -> file.toString().endsWith(".safetensors"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private static String hash(Path model) throws IOException {
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(model.toString(), OPTIONS);
                Generation generation = pipeline.start(VideoRequest.of("a ring"))) {
            return generation.provenance().modelHash();
        }
    }

    @Test
    void textModelsMakeSingleFramesAndOtherSizes() {
        for (VideoRequest request : new VideoRequest[] {
            VideoRequest.builder("a ring").frames(1).build(),
            VideoRequest.builder("a ring").size(48, 24).build(),
        }) {
            VideoPlan plan = texts.plan(request);
            try (Generation generation = texts.start(request)) {
                generation.steps().forEachRemaining(step -> {});
                try (FrameStream frames = generation.frames()) {
                    assertEquals(plan.frames(), frames.frameCount());
                    assertEquals(plan.format().width(), frames.width());
                    frames.forEachRemaining(frame -> {});
                }
            }
        }
    }

    private static byte[] frame(TextToVideoPipeline pipeline, VideoRequest request) {
        try (Generation generation = pipeline.start(request)) {
            generation.steps().forEachRemaining(step -> {});
            try (FrameStream frames = generation.frames()) {
                return frames.next().rgb();
            }
        }
    }

    /** Apart from its constant, the forecast is the peak of the tensors, plus a prompt of full length and the rounding of the pool. */
    @ParameterizedTest
    @ValueSource(strings = {"ddpm", "ddim"})
    void forecastIncludesTheTensorsOfTheSampler(String sampler) {
        VideoRequest request =
                VideoRequest.builder("a ring").size(128, 128).sampler(sampler).build();
        MemoryMeter memory = texts.backend().memory();
        long before = memory.liveBytes();
        memory.resetPeak();
        try (Generation generation = texts.start(request)) {
            generation.steps().forEachRemaining(step -> {});
        }
        long used = memory.peakBytes() - before;
        long kernels = 20_000_000;
        long forecast = texts.forecast(texts.plan(request)).denoising() - kernels;
        assertTrue(forecast >= used && forecast <= used + (1 << 20), forecast + " and " + used);
    }

    @Test
    void malformedSchedulersAreRejectedByField() throws IOException {
        Path model = TinyLatte.write(folder.resolve("model"), "class");
        Path config = model.resolve("scheduler/config.json");
        String good = Files.readString(config);
        for (String[] change : new String[][] {
            {"\"ddpm\"", "\"euler\"", "sampler"},
            {"\"even\"", "\"uniform\"", "schedule"},
            {"\"steps\": 4", "\"steps\": 1001", "steps"},
            {"\"steps\": 4", "\"steps\": 4, \"eta\": 0.5", "eta"},
            {"\"steps\": 4", "\"steps\": 4, \"clip_sample\": true", "clip_sample"},
        }) {
            Files.writeString(config, good.replace(change[0], change[1]));
            String message = assertThrows(
                            CheckpointException.class, () -> TextToVideoPipeline.load(model.toString(), OPTIONS)
                                    .close())
                    .getMessage();
            assertTrue(message.contains("'" + change[2] + "'"), message);
        }
    }

    @Test
    void modelsRunInBothPrecisions() throws IOException {
        byte[] bf16 = frame(classes, VideoRequest.ofLabel(1));
        try (TextToVideoPipeline exact =
                TextToVideoPipeline.load(models.resolve("class").toString(), OPTIONS.withPrecision(DType.F32))) {
            byte[] f32 = frame(exact, VideoRequest.ofLabel(1));
            double sum = 0;
            for (int i = 0; i < f32.length; i++) {
                sum += Math.abs((f32[i] & 0xFF) - (bf16[i] & 0xFF));
            }
            assertTrue(sum / f32.length < 8, "mean difference " + sum / f32.length);
        }
    }
}
