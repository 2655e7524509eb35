package io.lingen.diffusion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.spi.BackendProvider;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Compares every denoiser variant on every backend with the PyTorch reference in double precision: velocity, taps, trajectories. */
class DenoiserParityTest {
    private static final List<String> FIXTURES = List.of(
            "lingen-default/fixture",
            "lingen-default/fixture-larger",
            "lingen-default/fixture-single-token",
            "directions-independent/fixture",
            "directions-tied/fixture",
            "dit/fixture",
            "groups-2/fixture",
            "inner-dim/fixture",
            "long-chunk/fixture",
            "mamba1/fixture",
            "no-ma/fixture",
            "no-review/fixture",
            "no-tesa/fixture",
            "patch-1x4x2/fixture",
            "patch-2x1x1/fixture",
            "pool-3x2x1/fixture",
            "position-norm/fixture",
            "qk-norm-position-bias/fixture",
            "scan-fixed/fixture",
            "scan-orders/fixture",
            "two-text-encoders/fixture",
            "zigzag/fixture");

    static Stream<Arguments> passes() {
        return backends().flatMap(backend -> FIXTURES.stream().flatMap(fixture -> Stream.of(DType.F32, DType.BF16)
                .map(precision -> Arguments.of(backend, precision, fixture))));
    }

    static Stream<Arguments> trajectories() {
        return backends().flatMap(backend -> Stream.of("guidance-1", "guidance-7.5", "eta-0.75")
                .map(trajectory -> Arguments.of(backend, trajectory)));
    }

    private static Stream<String> backends() {
        return Backends.providers().stream().map(BackendProvider::name);
    }

    @ParameterizedTest(name = "{0} {1} {2}")
    @MethodSource("passes")
    void onePassEqualsTheReference(String backendName, DType precision, String fixture) {
        String model = fixture.substring(0, fixture.indexOf('/'));
        try (Backend backend = open(backendName);
                Denoiser denoiser = VideoTransformer.load(Fixtures.model(model), "transformer", backend, precision);
                SafetensorsFile expected = Fixtures.tensors(fixture + ".safetensors")) {
            ParityCheck.Result result = ParityCheck.run(denoiser, expected);
            double tolerance = precision == DType.BF16 ? 2e-2 : 1e-5;
            List<String> beyond = new ArrayList<>();
            for (ParityCheck.Comparison comparison : result.comparisons()) {
                if (!(comparison.relativeError() <= tolerance)) {
                    beyond.add(comparison.toString());
                }
            }
            assertTrue(beyond.isEmpty(), "beyond " + tolerance + ": " + beyond);
            long expectedTensors = expected.names().stream()
                    .filter(name -> name.startsWith("tap.") || name.equals("velocity"))
                    .count();
            assertEquals(expectedTensors, result.comparisons().size());
        }
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("trajectories")
    void everyStepOfATrajectoryEqualsTheReference(String backendName, String trajectory) {
        try (Backend backend = open(backendName);
                Denoiser denoiser =
                        VideoTransformer.load(Fixtures.model("lingen-default"), "transformer", backend, DType.F32);
                SafetensorsFile expected = Fixtures.tensors("sampler/trajectory-" + trajectory + ".safetensors");
                Workspace workspace = backend.newWorkspace()) {
            float[] times = expected.tensor("times").toFloats();
            double[] schedule = Schedule.linearQuadratic().times(times.length - 1);
            for (int i = 0; i < times.length; i++) {
                assertEquals(times[i], schedule[i], 1e-7);
            }
            float scale = expected.tensor("guidance").get(0);
            String negative = scale == 1 ? "text.0" : "negative.0";
            Tensor latent = backend.upload(workspace, expected.tensor("latent"), DType.F32);
            try (Conditioning prompt = denoiser.condition(List.of(new TextEmbedding(expected.tensor("text.0"), null)));
                    Conditioning empty =
                            denoiser.condition(List.of(new TextEmbedding(expected.tensor(negative), null)));
                    Sampling steps = sampler(backend, expected, schedule)
                            .sample(Guidance.of(denoiser, prompt, empty, scale), latent)) {
                int compared = 0;
                while (steps.hasNext()) {
                    SamplingStep step = steps.next();
                    ParityCheck.Comparison comparison = ParityCheck.Comparison.of(
                            "step", expected.tensor("step." + compared), backend.download(step.latent()));
                    compared++;
                    assertTrue(comparison.relativeError() <= 1e-5, "after step " + step.index() + ": " + comparison);
                }
                assertEquals(times.length - 1, compared);
            }
        }
    }

    private static Sampler sampler(Backend backend, SafetensorsFile expected, double[] times) {
        return expected.names().contains("eta")
                ? new RectifiedFlowSampler(
                        backend, times, expected.tensor("eta").get(0), (long)
                                expected.tensor("seed").get(0))
                : new RectifiedFlowSampler(backend, times);
    }

    private static Backend open(String name) {
        for (BackendProvider provider : Backends.providers()) {
            if (provider.name().equals(name)) {
                BackendProvider.Availability availability = provider.availability();
                assumeTrue(availability.available(), () -> "backend " + name + " skipped: " + availability.detail());
            }
        }
        return Backends.create(name, new BackendOptions(2));
    }
}
