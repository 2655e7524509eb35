package io.lingen.vae;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.dryrun.DryRun;
import io.lingen.core.op.Dims3;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Stable Diffusion's decoders, compared with PyTorch's golden files on every backend and at both precisions. */
class SdDecoderTest {
    private static final String SD = """
            {"decoder": "sd", "latent_channels": 4, "out_channels": 3, "block_out_channels": [128, 256, 512, 512],
             "layers_per_block": 2, "norm_groups": 32, "scaling_factor": 0.18215}
            """;

    static Stream<Arguments> cases() {
        return TestBackends.names().flatMap(backend -> Stream.of("vae-sd", "vae-sd-temporal", "vae-sd-temporal-shallow")
                .flatMap(model -> Stream.of(DType.F32, DType.BF16).map(type -> Arguments.of(backend, model, type))));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void framesAndTapsEqualPyTorch(String backendName, String model, DType precision) {
        try (Backend backend = TestBackends.open(backendName);
                LatentVideoDecoder decoder = LatentVideoDecoder.load(source(model), "vae", backend, precision);
                SafetensorsFile golden = SafetensorsFile.of(
                        model, MemorySegment.ofArray(source(model).read("fixture.safetensors")));
                Workspace workspace = backend.newWorkspace()) {
            Map<String, HostTensor> found = new TreeMap<>();
            Taps taps = (name, tensor) -> found.put("tap." + name, backend.download(tensor));
            Tensor latent = backend.upload(workspace, golden.tensor("latent"), DType.F32);
            found.put("frames", backend.download(decoder.decode(latent, workspace, taps)));
            found.put("tiled_frames", AutoencoderParityTest.planes(decoder, latent));
            for (String name : golden.names()) {
                if (!name.equals("latent")) {
                    assertEquals(golden.tensor(name).shape(), found.get(name).shape(), name);
                    double error = TestBackends.relativeError(golden.tensor(name), found.get(name));
                    assertTrue(error <= TestBackends.tolerance(precision), name + ": " + error);
                }
            }
        }
    }

    private static ModelSource source(String model) {
        return ModelSource.ofResource(SdDecoderTest.class.getClassLoader(), "io/lingen/fixtures/" + model);
    }

    @ParameterizedTest
    @ValueSource(strings = {"vae-sd", "vae-sd-temporal"})
    void dryRunForecastsBytesAndOperations(String model) {
        try (DryRun dryRun = DryRun.exact();
                Backend backend = TestBackends.open("cpu")) {
            assertArrayEquals(cost(backend, model), cost(dryRun.backend(), model));
        }
    }

    private static long[] cost(Backend backend, String model) {
        try (LatentVideoDecoder decoder = LatentVideoDecoder.load(source(model), "vae", backend, DType.F32);
                Workspace workspace = backend.newWorkspace()) {
            Tensor latent = workspace.allocate(DType.F32, 4, 5, 3, 4);
            backend.normal(1, latent);
            long before = backend.memory().liveBytes();
            backend.memory().resetPeak();
            backend.operations().reset();
            try (FrameStream frames = decoder.frames(latent)) {
                frames.decodeAll();
            }
            return new long[] {
                backend.memory().peakBytes() - before, backend.operations().total()
            };
        }
    }

    @Test
    void publishedFieldsGiveTheSizesOfTheLayers() {
        AutoencoderConfig config = read(SD);
        assertEquals(new Dims3(1, 8, 8), config.compression());
        assertEquals(List.of(512, 512, 256, 128), config.widths());
        assertEquals(3, config.layersPerLevel());
        assertEquals(new TemporalTiling(1, 0, 0), config.tiling());
        AutoencoderConfig temporal = read(SD.replace("\"sd\"", "\"sd_temporal\""));
        assertEquals(new TemporalTiling(14, 0, 0), temporal.tiling());
        assertEquals(2, temporal.tiling().plan(16, 1).size());
        assertEquals(14, temporal.tiling().plan(16, 1).get(0).latents());
    }

    /** The parameters of the published decoders: 49.5 and 63.6 million. */
    @ParameterizedTest
    @CsvSource({"sd, 49.5", "sd_temporal, 63.6"})
    void publishedDecodersHaveTheirParameters(String kind, double millions) {
        try (DryRun dryRun = DryRun.exact();
                LatentVideoDecoder decoder = LatentVideoDecoder.load(
                        SdTensors.of(kind),
                        read(SD.replace("\"sd\"", '"' + kind + '"')),
                        dryRun.backend(),
                        DType.F32)) {
            assertEquals(millions, dryRun.backend().memory().liveBytes() / 4e6, 0.05);
            assertEquals(4, decoder.latentChannels());
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"sd\" | \"inflated\" | decoder",
                "\"sd\" | \"vq\" | decoder",
                "\"norm_groups\": 32 | \"norm_groups\": 3 | norm_groups",
                "\"scaling_factor\": 0.18215 | \"scaling_factor\": 0 | scaling_factor",
                "\"layers_per_block\": 2 | \"layers_per_block\": 0 | layers_per_block",
                "\"layers_per_block\": 2 | \"layers_per_block\": 2, \"chunk_frames\": 14 | chunk_frames",
                "[128, 256, 512, 512] | [] | block_out_channels",
            })
    void invalidFieldsAreNamed(String good, String bad, String field) {
        CheckpointException error = assertThrows(CheckpointException.class, () -> read(SD.replace(good, bad)));
        assertTrue(error.getMessage().contains(field), error.getMessage());
    }

    @Test
    void encodersOfPublishedDecodersAreRejected() {
        try (Backend backend = TestBackends.open("cpu")) {
            CheckpointException error = assertThrows(
                    CheckpointException.class,
                    () -> LatentVideoEncoder.load(source("vae-sd"), "vae", backend, DType.F32));
            assertTrue(error.getMessage().contains("'decoder'"), error.getMessage());
        }
    }

    private static AutoencoderConfig read(String json) {
        return AutoencoderConfig.read(ConfigReader.parse("config.json", json.getBytes(StandardCharsets.UTF_8)));
    }
}
