package io.lingen.wan.internal;

import static io.lingen.wan.internal.GeneratedFrames.assertFramesEqual;
import static io.lingen.wan.internal.GeneratedFrames.hash;
import static io.lingen.wan.internal.GeneratedFrames.options;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.CancellationToken;
import io.lingen.Generation;
import io.lingen.LatentFile;
import io.lingen.MemoryEstimator;
import io.lingen.MemoryForecast;
import io.lingen.Offload;
import io.lingen.PipelineOptions;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoRequest;
import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.internal.t5.TinyT5;
import io.lingen.spi.Adapter;
import io.lingen.spi.MissingFiles;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ModelFact;
import io.lingen.spi.ModelFamilies;
import io.lingen.spi.ModelOptions;
import io.lingen.text.TextEncoder.Progress;
import io.lingen.text.TextEncoder.Prompt;
import io.lingen.text.TextEncoders;
import io.lingen.wan.internal.transformer.RandomTransformer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A whole model of random weights through the front door. */
class WanPipelineTest {
    private static final VideoRequest REQUEST = VideoRequest.builder("a cat  &amp; a dog")
            .negativePrompt("static")
            .size(16, 24)
            .frames(9)
            .steps(4)
            .seed(3)
            .build();

    @TempDir
    Path model;

    @TempDir
    Path folder;

    @BeforeEach
    void write() throws IOException {
        TinyWan.write(model);
    }

    @Test
    void videoIsGeneratedTheSameInTurnsAndAtOnce() {
        List<byte[]> frames = frames(options(), REQUEST);
        assertEquals(9, frames.size());
        assertEquals(3 * 16 * 24, frames.get(0).length);
        assertFramesEqual(frames, frames(options().withOffload(Offload.PARTS), REQUEST));
    }

    @ParameterizedTest
    @ValueSource(strings = {"unipc", "flow_euler", "dmd"})
    void interruptedVideoIsResumedBitForBit(String sampler) throws IOException {
        VideoRequest.Builder builder = REQUEST.toBuilder().sampler(sampler);
        if (sampler.equals("dmd")) {
            builder.steps(3).guidance(1.0).negativePrompt("");
        }
        VideoRequest request = builder.build();
        List<byte[]> whole = frames(options(), request);
        for (int steps = 1; steps < 3; steps++) {
            Path video = folder.resolve(sampler + steps + ".mp4");
            try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(model.toString(), options());
                    Generation generation = pipeline.start(request)) {
                generation.saveLatents(video, 1, true);
                Iterator<?> iterator = generation.steps();
                for (int i = 0; i < steps; i++) {
                    iterator.next();
                }
            }
            try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(model.toString(), options());
                    Generation resumed = pipeline.resume(LatentFile.find(video))) {
                assertFramesEqual(whole, GeneratedFrames.of(resumed));
            }
        }
    }

    @Test
    void rowsOfPaddingAreOneRowWithTheirNumberAsItsWeight() {
        try (ModelSource source = ModelSource.of(model);
                Backend backend = Backends.create("cpu", new BackendOptions(1));
                TextEncoders encoders = ModelFamilies.open(source).loadTextEncoders(backend, DType.F32, 1)) {
            TextEmbedding embedding = encoders.encode(List.of(Prompt.of("ab")), Progress.NONE)
                    .get(0)
                    .get(0);
            assertEquals(5, embedding.tokens().shape().length(0));
            assertArrayEquals(new float[] {1, 1, 1, 1, 508}, embedding.weights().toFloats());
            HostTensor padding = embedding.tokens().slice(4, 5);
            assertArrayEquals(new float[TinyT5.WIDTH], padding.toFloats());
        }
    }

    @Test
    void latentsThatTheDenoiserDoesNotSupportAreDecoded() throws IOException {
        Path video = folder.resolve("out.mp4");
        List<byte[]> frames;
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(model.toString(), options());
                Generation generation = pipeline.start(REQUEST)) {
            generation.saveLatents(video, 0, true);
            frames = GeneratedFrames.of(generation);
        }
        Path config = model.resolve("transformer/config.json");
        Files.writeString(
                config, Files.readString(config).replace("\"rope_max_seq_len\": 64", "\"rope_max_seq_len\": 1"));
        for (Offload offload : Offload.values()) {
            try (TextToVideoPipeline pipeline =
                            TextToVideoPipeline.load(model.toString(), options().withOffload(offload));
                    Generation decoded = pipeline.decode(LatentFile.find(video), new CancellationToken())) {
                assertFramesEqual(frames, GeneratedFrames.of(decoded));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"dmd, 4, , steps", "unipc, 4, uniform, schedule"})
    void settingsThatASamplerLacksAreRefused(String sampler, int steps, String schedule, String expected) {
        VideoRequest request = REQUEST.toBuilder()
                .sampler(sampler)
                .steps(steps)
                .schedule(schedule)
                .build();
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(model.toString(), options())) {
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> pipeline.plan(request));
            assertTrue(e.getMessage().contains(expected), e.getMessage());
        }
    }

    @Test
    void adaptersChangeTheVideoAndItsHash() throws IOException {
        HostTensor down = HostTensor.of(new float[32], 1, 32);
        for (int i = 0; i < 32; i++) {
            down.memory().setAtIndex(java.lang.foreign.ValueLayout.JAVA_FLOAT, i, 0.3f);
        }
        Path file = folder.resolve("lora.safetensors");
        SafetensorsWriter.write(
                file,
                new TreeMap<>(Map.of(
                        "diffusion_model.blocks.1.self_attn.q.lora_down.weight",
                        down,
                        "diffusion_model.blocks.1.self_attn.q.lora_up.weight",
                        down.reshape(32, 1))),
                Map.of());
        PipelineOptions half = options().withModel(new ModelOptions(null, List.of(new Adapter(file, 0.5))));
        PipelineOptions whole = options().withModel(new ModelOptions(null, List.of(new Adapter(file, 1))));
        assertNotEquals(modelHash(half), modelHash(whole));
        assertNotEquals(modelHash(options()), modelHash(whole));
        assertEquals(modelHash(half), modelHash(half));
        assertNotEquals(hash(frames(options(), REQUEST)), hash(frames(whole, REQUEST)));
        PipelineOptions none = options().withModel(new ModelOptions(null, List.of(new Adapter(file, 0))));
        assertFramesEqual(frames(options(), REQUEST), frames(none, REQUEST));
    }

    @Test
    void transformerFileReplacesTheFolders() throws IOException {
        Path file = folder.resolve("transformer.safetensors");
        SafetensorsWriter.write(file, new TreeMap<>(TinyWan.transformer()), Map.of());
        List<byte[]> expected = frames(options(), REQUEST);
        Files.delete(model.resolve("transformer/diffusion_pytorch_model.safetensors"));
        assertFramesEqual(expected, frames(options().withModel(new ModelOptions(file, List.of())), REQUEST));
    }

    @Test
    void gatedTransformersAreDistilledUnderAnyName() throws IOException {
        Map<String, HostTensor> published = new TreeMap<>();
        new RandomTransformer(TinyWan.CONFIG, 5)
                .withGates(TinyWan.CONFIG)
                .tensors()
                .forEach((name, tensor) -> published.put(name.replace("attn1.to_gate", "to_gate"), tensor));
        Path file = folder.resolve("gated.safetensors");
        SafetensorsWriter.write(file, published, Map.of());
        PipelineOptions gated = options().withModel(new ModelOptions(file, List.of()));
        VideoRequest request =
                VideoRequest.builder("a cat").size(16, 24).frames(9).build();
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(model.toString(), gated)) {
            assertEquals(
                    List.of(1000.0, 757.0, 522.0),
                    pipeline.plan(request).sampling().times());
        }
        assertEquals(9, frames(gated, request).size());
        try (ModelSource source = gated.model().applyTo(ModelSource.of(model))) {
            ModelFact denoiser =
                    ModelFamilies.open(source, gated.model()).facts().get(0);
            assertTrue(
                    denoiser.text().endsWith(", gated attention among tiles, distilled to a few steps"),
                    denoiser.text());
        }
    }

    @Test
    void memoryIsForecastWithoutWeights() {
        try (MemoryEstimator estimator = MemoryEstimator.of(model.toString(), options())) {
            MemoryForecast small = estimator.forecast(REQUEST);
            MemoryForecast large = estimator.forecast(
                    REQUEST.toBuilder().size(64, 96).frames(33).build());
            assertTrue(large.denoising() > small.denoising());
            assertTrue(large.decoding() > small.decoding());
            assertEquals(small.weights(), large.weights());
        }
    }

    @Test
    void missingPartsAreListedWithTheCommandThatFetchesThem() throws IOException {
        Files.delete(model.resolve("vae/config.json"));
        Files.delete(model.resolve("tokenizer/tokenizer.json"));
        Files.writeString(model.resolve("LICENSE.txt"), "\n  Apache License\n  Version 2.0\n");
        try (ModelSource source = ModelSource.of(model)) {
            ModelDescription description = ModelFamilies.open(source);
            Map<String, String> facts =
                    description.facts().stream().collect(Collectors.toMap(ModelFact::name, ModelFact::text));
            MissingFiles missing = description.missingFiles();
            assertEquals(List.of("vae/config.json", "tokenizer/tokenizer.json"), missing.paths());
            assertEquals(
                    "download them: hf download REPOSITORY --local-dir '" + model
                            + "' --include 'vae/config.json' --include 'tokenizer/tokenizer.json'",
                    missing.remedy());
            assertEquals("Apache License (LICENSE.txt)", facts.get("license"));
            assertTrue(facts.get("denoiser").startsWith("Wan, 2 blocks, width 32"), facts.toString());
            assertFalse(facts.containsKey("decoder"));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"_class_name\": \"WanCausalDMDPipeline\"|Self-Forcing",
                "\"_class_name\": \"WanImageToVideoPipeline\"|image-to-video",
                "\"_class_name\": \"WanPipeline\", \"boundary_ratio\": 0.875|second transformer",
                "\"_class_name\": \"WanPipeline\", \"vae\": [\"diffusers\", \"AutoencoderKL\"]|AutoencoderKLWan",
            })
    void unsupportedModelsAreRefusedByName(String test) throws IOException {
        String[] parts = test.split("\\|");
        Files.writeString(model.resolve("model_index.json"), "{" + parts[0] + "}");
        assertRefused(parts[1]);
    }

    @Test
    void partsOfTwoModelsAreRefused() throws IOException {
        Path config = model.resolve("transformer/config.json");
        String json = Files.readString(config);
        Files.writeString(config, json.replace("\"text_dim\": 24", "\"text_dim\": 25"));
        assertRefused("width 25 and 24");
        Files.writeString(config, json.replace("_channels\": 5", "_channels\": 6"));
        assertRefused("of 6 and 5 channels");
    }

    @Test
    void impossibleRequestsAreRefusedWithTheNearestPossible() {
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(model.toString(), options())) {
            IllegalArgumentException frames = assertThrows(
                    IllegalArgumentException.class,
                    () -> pipeline.plan(REQUEST.toBuilder().frames(10).build()));
            assertTrue(frames.getMessage().contains("use 9 or 13"), frames.getMessage());
            IllegalArgumentException sampler = assertThrows(
                    IllegalArgumentException.class,
                    () -> pipeline.plan(REQUEST.toBuilder().sampler("ddim").build()));
            assertTrue(sampler.getMessage().contains("unipc"), sampler.getMessage());
        }
    }

    private void assertRefused(String expected) {
        CheckpointException e =
                assertThrows(CheckpointException.class, () -> TextToVideoPipeline.load(model.toString(), options()));
        assertTrue(e.getMessage().contains(expected), e.getMessage());
    }

    private String modelHash(PipelineOptions options) {
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(model.toString(), options)) {
            return pipeline.modelHash();
        }
    }

    private List<byte[]> frames(PipelineOptions options, VideoRequest request) {
        return GeneratedFrames.of(model, options, request);
    }
}
