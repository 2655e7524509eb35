package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.Generation;
import io.lingen.LatentFile;
import io.lingen.PipelineOptions;
import io.lingen.TextToVideoPipeline;
import io.lingen.VideoProvenance;
import io.lingen.VideoRequest;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.spi.Adapter;
import io.lingen.spi.ModelOptions;
import io.lingen.wan.internal.TinyWan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Videos of models with LoRAs that are made again and resumed. */
class LoraTest {
    @TempDir
    static Path model;

    @TempDir
    Path folder;

    private Path style;
    private Path other;

    @BeforeAll
    static void writeModel() throws IOException {
        TinyWan.write(model);
    }

    @BeforeEach
    void writeLoras() {
        style = write(folder.resolve("style.safetensors"), 0.3f);
        other = write(folder.resolve("other.safetensors"), 0.2f);
    }

    private static Path write(Path file, float value) {
        float[] values = new float[32];
        Arrays.fill(values, value);
        String module = "transformer.blocks.1.attn1.to_q.";
        SafetensorsWriter.write(
                file,
                Map.of(
                        module + "lora_A.weight", HostTensor.of(values, 1, 32),
                        module + "lora_B.weight", HostTensor.of(values, 32, 1)),
                Map.of());
        return file;
    }

    @Test
    void lorasAreRecordedInVideoAndSidecar() throws IOException {
        Path video = folder.resolve("out.mp4");
        CommandRun run = generate("a cat", "--lora", style + ":0.5", "--lora", other, "-o", video);
        assertEquals(0, run.code(), run.err());
        for (Path recorded : List.of(video, folder.resolve("out.json"))) {
            List<VideoProvenance.Lora> loras =
                    RecordedVideo.read(recorded).provenance().loras();
            assertEquals(
                    List.of("style.safetensors", "other.safetensors"),
                    loras.stream().map(VideoProvenance.Lora::name).toList());
            assertEquals(0.5, loras.get(0).scale());
            assertEquals(1, loras.get(1).scale());
            assertTrue(loras.get(0).sha256().matches("[0-9a-f]{64}"), loras.toString());
        }
    }

    @Test
    void likeUsesTheRecordedLora() throws IOException {
        Path inFolder = Files.createTempFile(Path.of(""), "style", ".safetensors");
        try {
            Files.delete(inFolder);
            Files.copy(style, inFolder);
            Path video = folder.resolve("out.mp4");
            assertEquals(
                    0,
                    generate("a cat", "--lora", inFolder + ":0.5", "-o", video).code());
            Path again = folder.resolve("again.mp4");
            CommandRun run = generate("--like", video, "-o", again);
            assertEquals(0, run.code(), run.err());
            assertEquals(-1, Files.mismatch(video, again));

            Path changed = folder.resolve("changed.mp4");
            run = generate("--like", video, "--lora", other + ":0.5", "-o", changed);
            assertEquals(0, run.code(), run.err());
            assertTrue(run.err().contains("was made with model hash"), run.err());

            Files.delete(inFolder);
            generate("--like", video, "-o", folder.resolve("y.mp4"))
                    .assertRefused(2, "expected the recorded LoRA '" + inFolder + "' in the working directory");
        } finally {
            Files.deleteIfExists(inFolder);
        }
    }

    @Test
    void resumingRequiresTheRecordedLoras() throws IOException {
        Path whole = folder.resolve("whole.mp4");
        assertEquals(0, generate("a cat", "--lora", style + ":0.5", "-o", whole).code());
        Path video = folder.resolve("out.mp4");
        PipelineOptions options = PipelineOptions.defaults()
                .withBackend("cpu")
                .withPrecision(DType.F32)
                .withModel(new ModelOptions(null, List.of(new Adapter(style, 0.5))));
        VideoRequest request =
                VideoRequest.builder("a cat").size(16, 24).frames(5).steps(3).build();
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(model.toString(), options);
                Generation generation = pipeline.start(request)) {
            generation.saveLatents(video, 1, false);
            generation.steps().next();
        }
        Path latents = LatentFile.pathFor(video);
        resume(latents).assertRefused(2, "expected the recorded LoRA 'style.safetensors' in the working directory");
        resume(latents, "--lora", style).assertRefused(1, "style.safetensors at scale 0.5 (SHA-256 ");
        resume(latents, "--lora", other + ":0.5")
                .assertRefused(1, "expected the LoRAs that the video was started with, style.safetensors at scale 0.5");
        resume(latents, "--lora", style + ":0.5", "--lora", other)
                .assertRefused(1, "expected the LoRAs that the video was started with");
        Path renamed = Files.move(style, folder.resolve("renamed.safetensors"));
        CommandRun run = resume(latents, "--lora", renamed + ":0.5");
        assertEquals(0, run.code(), run.err());
        assertTrue(Files.size(video) > 0);
    }

    @Test
    void latentsWithoutLorasAreNotResumedWithOne() throws IOException {
        Path video = folder.resolve("out.mp4");
        PipelineOptions options = PipelineOptions.defaults().withBackend("cpu").withPrecision(DType.F32);
        VideoRequest request =
                VideoRequest.builder("a cat").size(16, 24).frames(5).steps(3).build();
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(model.toString(), options);
                Generation generation = pipeline.start(request)) {
            generation.saveLatents(video, 1, false);
            generation.steps().next();
        }
        resume(video, "--lora", style)
                .assertRefused(1, "expected the LoRAs that the video was started with, none, found style.safetensors");
    }

    private static CommandRun resume(Object... arguments) {
        return run(new Object[] {"resume", "--model", model}, arguments);
    }

    private static CommandRun generate(Object... arguments) {
        return run(
                new Object[] {
                    "generate",
                    "--model",
                    model,
                    "--backend",
                    "cpu",
                    "--precision",
                    "f32",
                    "--size",
                    "16x24",
                    "--frames",
                    5,
                    "--steps",
                    3
                },
                arguments);
    }

    private static CommandRun run(Object[] start, Object... more) {
        Object[] all = Arrays.copyOf(start, start.length + more.length);
        System.arraycopy(more, 0, all, start.length, more.length);
        return CommandRun.of(all);
    }
}
