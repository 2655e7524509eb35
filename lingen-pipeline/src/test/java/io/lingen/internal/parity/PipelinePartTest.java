package io.lingen.internal.parity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.Generation;
import io.lingen.PipelineOptions;
import io.lingen.TextToVideoPipeline;
import io.lingen.TinyModel;
import io.lingen.VideoRequest;
import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.diffusion.ParityCheck;
import io.lingen.diffusion.ParityCheck.Comparison;
import io.lingen.spi.ModelDescription;
import io.lingen.spi.ModelFamilies;
import io.lingen.vae.FrameStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole runs as parts of a fixture, against those of the pipeline's users. */
class PipelinePartTest {
    @TempDir
    static Path model;

    @TempDir
    Path folder;

    private final Map<String, HostTensor> fixture = new TreeMap<>();

    @BeforeAll
    static void writeModel() throws IOException {
        TinyModel.write(model);
    }

    @ParameterizedTest
    @CsvSource({"cpu, F32, 3e-5", "nd4j, F32, 3e-5", "cpu, BF16, 3e-2"})
    void latentsAndFramesAreThoseOfThePipeline(String backend, DType precision, double tolerance) throws IOException {
        record(0, VideoRequest.builder("a ring").negativePrompt("blur").guidance(4.0));
        record(1, VideoRequest.builder("a red disc").guidance(1.0));
        json("""
                {"pipeline": {
                  "0": {"prompt": "a ring", "negative": "blur", "guidance": 4.0, "steps": 3, "scheduler": "scheduler/"},
                  "1": {"prompt": "a red disc", "negative": null, "guidance": 1.0, "steps": 3, "height": 24}}}
                """);
        List<Comparison> comparisons = check(backend, precision);
        assertEquals(
                List.of("pipeline.0.latents", "pipeline.0.frames", "pipeline.1.latents", "pipeline.1.frames"),
                comparisons.stream().map(Comparison::name).toList());
        for (Comparison comparison : comparisons) {
            assertTrue(comparison.isWithin(tolerance), comparison.toString());
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"prompt\": \"a disc\", \"negative\": \"blur\", \"guidance\": 4.0, \"steps\": 3",
                "\"prompt\": \"a ring\", \"guidance\": 4.0, \"steps\": 3",
                "\"prompt\": \"a ring\", \"negative\": \"blur\", \"guidance\": 4.1, \"steps\": 3",
                "\"prompt\": \"a ring\", \"negative\": \"blur\", \"guidance\": 4.0, \"steps\": 4",
            })
    void everySettingCounts(String settings) throws IOException {
        record(0, VideoRequest.builder("a ring").negativePrompt("blur").guidance(4.0));
        json("{\"pipeline\": {\"0\": {" + settings + "}}}");
        for (Comparison comparison : check("cpu", DType.F32)) {
            assertTrue(comparison.relativeError() > 3e-4, comparison.toString());
        }
    }

    @Test
    void runsThatAreNotDescribedAreRefused() throws IOException {
        record(0, VideoRequest.builder("a ring").guidance(1.0));
        assertRefused("fixture.json: expected a file, found none");
        json("{\"pipeline\": {\"1\": {}}}");
        assertRefused("field 'pipeline.0': found nothing, expected an object");
        json(
                "{\"pipeline\": {\"0\": {\"prompt\": \"a ring\", \"guidance\": 1, \"steps\": 3, \"scheduler\": \"heun\"}}}");
        assertRefused("field 'pipeline.0.scheduler': found \"heun\", expected \"scheduler/\" or \"euler\"");
    }

    private void assertRefused(String message) {
        CheckpointException e = assertThrows(CheckpointException.class, () -> check("cpu", DType.F32));
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }

    /** Adds a run of the pipeline to the fixture. */
    private void record(int run, VideoRequest.Builder request) {
        PipelineOptions options = PipelineOptions.defaults().withBackend("cpu").withPrecision(DType.F32);
        try (TextToVideoPipeline pipeline = TextToVideoPipeline.load(model.toString(), options);
                Generation generation =
                        pipeline.start(request.frames(8).steps(3).seed(5).build())) {
            String name = "pipeline." + run;
            fixture.put(name + ".noise", pipeline.backend().download(generation.latent()));
            generation.steps().forEachRemaining(step -> {});
            fixture.put(name + ".latents", pipeline.backend().download(generation.latent()));
            try (FrameStream stream = generation.frames()) {
                int pixels = stream.height() * stream.width();
                float[] frames = new float[8 * 3 * pixels]; // [F, 3, H, W]
                for (int frame = 0; frame < 8; frame++) {
                    HostTensor values = stream.nextValues(); // [H, W, 3]
                    for (int channel = 0; channel < 3; channel++) {
                        for (int i = 0; i < pixels; i++) {
                            float value = (values.get(3L * i + channel) + 1) / 2;
                            frames[(3 * frame + channel) * pixels + i] = value < 0 ? 0 : value > 1 ? 1 : value;
                        }
                    }
                }
                fixture.put(name + ".frames", HostTensor.of(frames, 8, 3, stream.height(), stream.width()));
            }
        }
    }

    private void json(String json) throws IOException {
        Files.writeString(folder.resolve("fixture.json"), json);
    }

    private List<Comparison> check(String name, DType precision) {
        Path file = folder.resolve("fixture.safetensors");
        SafetensorsWriter.write(file, fixture, Map.of());
        try (ModelSource source = ModelSource.of(model);
                SafetensorsFile tensors = SafetensorsFile.open(file);
                Backend backend = Backends.create(name, new BackendOptions(1))) {
            ModelDescription description = ModelFamilies.open(source);
            PipelinePart part =
                    new PipelinePart(description, (of, type, run) -> description.loadTextEncoders(of, type, 1));
            assertTrue(part.isIn(tensors.names()));
            ParityCheck check = new ParityCheck(tensors, folder, backend);
            part.run(check, precision);
            check.end();
            assertEquals(0, backend.memory().liveBytes(), "leaked tensors");
            return check.result().comparisons();
        }
    }
}
