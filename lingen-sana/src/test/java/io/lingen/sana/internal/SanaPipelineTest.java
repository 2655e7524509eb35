package io.lingen.sana.internal;

import static io.lingen.wan.internal.GeneratedFrames.assertFramesEqual;
import static io.lingen.wan.internal.GeneratedFrames.hash;
import static io.lingen.wan.internal.GeneratedFrames.options;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import io.lingen.internal.gemma.TinyGemma;
import io.lingen.spi.Adapter;
import io.lingen.spi.MissingFiles;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ModelFact;
import io.lingen.spi.ModelFamilies;
import io.lingen.spi.ModelOptions;
import io.lingen.spi.VideoLimits;
import io.lingen.text.TextEncoder.Progress;
import io.lingen.text.TextEncoder.Prompt;
import io.lingen.text.TextEncoders;
import io.lingen.wan.internal.GeneratedFrames;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
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
class SanaPipelineTest {
    private static final VideoRequest REQUEST = VideoRequest.builder("a Cat and a dog. motion score: 30.")
            .negativePrompt("jitter")
            .size(32, 64)
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
        TinySana.write(model);
    }

    @Test
    void videoIsGeneratedTheSameInTurnsAndAtOnce() {
        List<byte[]> frames = frames(options(), REQUEST);
        assertEquals(9, frames.size());
        assertEquals(3 * 32 * 64, frames.get(0).length);
        assertFramesEqual(frames, frames(options().withOffload(Offload.PARTS), REQUEST));
    }

    @ParameterizedTest
    @CsvSource({"nd4j, F32", "cpu, BF16"})
    void otherBackendsAndPrecisionsGiveSimilarPixels(String backend, DType precision) {
        List<byte[]> expected = frames(options(), REQUEST);
        List<byte[]> found = frames(options().withBackend(backend).withPrecision(precision), REQUEST);
        double sum = 0;
        for (int frame = 0; frame < expected.size(); frame++) {
            for (int i = 0; i < expected.get(frame).length; i++) {
                sum += Math.abs((expected.get(frame)[i] & 0xFF) - (found.get(frame)[i] & 0xFF));
            }
        }
        double mean = sum / expected.size() / expected.get(0).length;
        double limit = precision == DType.F32 ? 0.1 : 8;
        assertTrue(mean < limit, mean + " of 255");
    }

    @ParameterizedTest
    @ValueSource(strings = {"dpm++", "unipc", "flow_euler"})
    void interruptedVideoIsResumedBitForBit(String sampler) throws IOException {
        VideoRequest request = REQUEST.toBuilder().sampler(sampler).build();
        List<byte[]> whole = frames(options(), request);
        for (int steps = 1; steps < 4; steps++) {
            Path video = folder.resolve("video" + steps + ".mp4");
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
    void videosOfABatchAreThoseOfSeparateRuns() {
        try (TextToVideoPipeline pipeline =
                TextToVideoPipeline.load(model.toString(), options().withTextCache(folder.resolve("texts")))) {
            for (int seed = 3; seed < 6; seed++) {
                VideoRequest request = REQUEST.toBuilder().seed(seed).build();
                assertFramesEqual(frames(options(), request), GeneratedFrames.of(pipeline, request));
            }
        }
    }

    /** The first row and those from the last one of the instruction on; the instruction is not part of a negative prompt. */
    @Test
    void promptIsEncodedBehindTheInstruction() {
        try (ModelSource source = ModelSource.of(model);
                Backend backend = Backends.create("cpu", new BackendOptions(1));
                TextEncoders encoders = ModelFamilies.open(source).loadTextEncoders(backend, DType.F32, 1)) {
            List<Prompt> prompts =
                    List.of(Prompt.of("  BC "), Prompt.of("bc"), Prompt.negative("bc"), Prompt.of("b".repeat(400)));
            List<TextEmbedding> embeddings = encoders.encode(prompts, Progress.NONE).stream()
                    .map(of -> of.get(0))
                    .toList();
            embeddings.forEach(embedding -> assertNull(embedding.weights()));
            assertEquals(4, embeddings.get(0).tokens().shape().length(0));
            assertEquals(3, embeddings.get(2).tokens().shape().length(0));
            assertEquals(300, embeddings.get(3).tokens().shape().length(0));
            float[] first = embeddings.get(0).tokens().toFloats();
            assertTrue(Arrays.equals(first, embeddings.get(1).tokens().toFloats()), "normalized prompts differ");
            float[] negative = embeddings.get(2).tokens().toFloats();
            int width = TinyGemma.WIDTH;
            // The row of <bos> sees no other token.
            assertTrue(Arrays.equals(first, 0, width, negative, 0, width), "rows of <bos> differ");
            assertFalse(Arrays.equals(first, 2 * width, 3 * width, negative, width, 2 * width), "no instruction");
        }
    }

    @Test
    void publishedInstructionHasEightLines() {
        List<String> lines = Instruction.PUBLISHED.lines().toList();
        assertEquals(8, lines.size());
        assertTrue(lines.get(0).startsWith("Given a user prompt, generate an 'Enhanced prompt'"), lines.get(0));
        assertEquals("User Prompt: ", lines.get(7));
        assertTrue(Instruction.PUBLISHED.endsWith("\nUser Prompt: "));
    }

    @Test
    void defaultsAreThoseOfThePublisher() {
        try (ModelSource source = ModelSource.of(model)) {
            VideoLimits limits = ModelFamilies.open(source).limits();
            assertEquals(16, limits.fps());
            assertEquals(new VideoLimits.NativeSize(832, 480, 81.0 / 16), limits.nativeSize());
            assertEquals("dpm++", limits.sampling(null).sampler());
            assertEquals(50, limits.sampling(null).steps());
            assertEquals(6, limits.sampling(null).guidance());
            assertEquals(8, limits.sampling("flow_euler").shift());
            assertEquals(8, limits.sampling("unipc").shift());
        }
    }

    @Test
    void adaptersChangeTheVideo() throws IOException {
        HostTensor down = HostTensor.of(new float[32], 1, 32);
        for (int i = 0; i < 32; i++) {
            down.memory().setAtIndex(java.lang.foreign.ValueLayout.JAVA_FLOAT, i, 0.3f);
        }
        Path file = folder.resolve("lora.safetensors");
        String module = "transformer.transformer_blocks.1.attn1.to_v";
        SafetensorsWriter.write(
                file,
                new TreeMap<>(Map.of(module + ".lora_A.weight", down, module + ".lora_B.weight", down.reshape(32, 1))),
                Map.of());
        PipelineOptions adapted = options().withModel(new ModelOptions(null, List.of(new Adapter(file, 1))));
        assertNotEquals(hash(frames(options(), REQUEST)), hash(frames(adapted, REQUEST)));
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
    void factsNameTheTermsOfAnIncompleteFolder() throws IOException {
        Files.delete(model.resolve("vae/config.json"));
        Files.delete(model.resolve("tokenizer/tokenizer.json"));
        try (ModelSource source = ModelSource.of(model)) {
            ModelDescription description = ModelFamilies.open(source);
            Map<String, String> facts =
                    description.facts().stream().collect(Collectors.toMap(ModelFact::name, ModelFact::text));
            MissingFiles missing = description.missingFiles();
            assertEquals(List.of("vae/config.json", "tokenizer/tokenizer.json"), missing.paths());
            assertTrue(
                    missing.remedy()
                            .startsWith(
                                    "download them: hf download Efficient-Large-Model/SANA-Video_2B_480p_diffusers"),
                    missing.remedy());
            assertTrue(facts.get("terms").contains("NVIDIA Open Model License"), facts.toString());
            assertTrue(facts.get("terms").contains("Gemma"), facts.toString());
            assertTrue(facts.get("denoiser").startsWith("SANA-Video, 2 blocks, width 32"), facts.toString());
            assertTrue(facts.get("text").startsWith("Gemma 2, width 24"), facts.toString());
            assertFalse(facts.containsKey("decoder"));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"_class_name\": \"SanaImageToVideoPipeline\"|image-to-video",
                "\"_class_name\": \"LongSanaVideoPipeline\"|LongSANA",
                "\"_class_name\": \"SanaPipeline\"|text-to-image",
                "\"_class_name\": \"SanaVideoPipeline\", \"vae\": [\"diffusers\", \"AutoencoderKLLTX2Video\"]|AutoencoderKLWan",
                "\"_class_name\": \"SanaVideoPipeline\", \"text_encoder\": [\"transformers\", \"UMT5EncoderModel\"]|Gemma2Model",
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
        Files.writeString(config, json.replace("\"caption_channels\": 24", "\"caption_channels\": 25"));
        assertRefused("width 25 and 24");
        Files.writeString(config, json.replace("_channels\": 5", "_channels\": 6"));
        assertRefused("of 6 and 5 channels");
        Files.writeString(config, json.replace("\"mlp_ratio\": 2.5", "\"mlp_ratio\": 2"));
        assertRefused("ff.conv_inverted.weight");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "transformer/diffusion_pytorch_model.safetensors",
                "vae/diffusion_pytorch_model.safetensors",
                "text_encoder/model-00002-of-00002.safetensors",
            })
    void truncatedFilesAreRefusedByName(String path) throws IOException {
        Path file = model.resolve(path);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(Files.size(file) - 100);
        }
        CheckpointException e = assertThrows(CheckpointException.class, () -> frames(options(), REQUEST));
        assertTrue(e.getMessage().contains(path.substring(path.indexOf('/') + 1)), e.getMessage());
    }

    @Test
    void impossibleRequestsAreRefusedWithTheNearestPossible() {
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(model.toString(), options())) {
            assertImpossible(pipeline, REQUEST.toBuilder().frames(10), "use 9 or 13");
            assertImpossible(pipeline, REQUEST.toBuilder().size(40, 64), "use 32 or 64");
            assertImpossible(pipeline, REQUEST.toBuilder().sampler("dmd"), "dpm++, unipc, flow_euler");
        }
    }

    private static void assertImpossible(TextToVideoPipeline pipeline, VideoRequest.Builder request, String expected) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> pipeline.plan(request.build()));
        assertTrue(e.getMessage().contains(expected), e.getMessage());
    }

    private void assertRefused(String expected) {
        CheckpointException e =
                assertThrows(CheckpointException.class, () -> TextToVideoPipeline.load(model.toString(), options()));
        assertTrue(e.getMessage().contains(expected), e.getMessage());
    }

    private List<byte[]> frames(PipelineOptions options, VideoRequest request) {
        return GeneratedFrames.of(model, options, request);
    }
}
