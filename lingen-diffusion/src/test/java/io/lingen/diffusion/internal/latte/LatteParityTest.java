package io.lingen.diffusion.internal.latte;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.spi.BackendProvider;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.Fixtures;
import io.lingen.diffusion.ParityCheck;
import io.lingen.diffusion.internal.sampler.NoiseSchedule;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Compares Latte, in every variant and on every backend, with a PyTorch reference in double precision: passes, taps, runs. */
class LatteParityTest {
    private static final NoiseSchedule SCHEDULE = NoiseSchedule.linear(1000, 1e-4, 2e-2);

    private static final List<String> FIXTURES = List.of(
            "latte-none/fixture",
            "latte-class/fixture",
            "latte-text/fixture",
            "latte-text/fixture-one-frame",
            "latte-variant-2/fixture",
            "latte-variant-3/fixture",
            "latte-variant-4/fixture",
            "latte-text-variant-3/fixture");

    static Stream<Arguments> passes() {
        return backends().flatMap(backend -> FIXTURES.stream().flatMap(fixture -> Stream.of(DType.F32, DType.BF16)
                .map(precision -> Arguments.of(backend, precision, fixture))));
    }

    static Stream<Arguments> runs() {
        return backends().flatMap(backend -> Stream.of("latte-none", "latte-class", "latte-text")
                .map(model -> Arguments.of(backend, model)));
    }

    private static Stream<String> backends() {
        return Backends.providers().stream().map(BackendProvider::name);
    }

    @ParameterizedTest(name = "{0} {1} {2}")
    @MethodSource("passes")
    void onePassEqualsTheReference(String backendName, DType precision, String fixture) {
        String model = fixture.substring(0, fixture.indexOf('/'));
        try (Backend backend = open(backendName);
                Denoiser denoiser = LatteTransformer.load(Fixtures.model(model), "transformer", backend, precision);
                SafetensorsFile expected = Fixtures.tensors(fixture + ".safetensors")) {
            ParityCheck check = new ParityCheck(expected, null, backend);
            LatteParity.comparePass(check, denoiser, SCHEDULE);
            check.end();
            long tensors = expected.names().stream()
                    .filter(name -> name.startsWith("tap.")
                            || name.equals("epsilon")
                            || name.equals("variance")
                            || name.equals("velocity"))
                    .count();
            requireWithin(check, tensors, precision == DType.BF16 ? 2e-2 : 1e-5);
        }
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("runs")
    void runsOfBothSamplersEqualTheReference(String backendName, String model) {
        try (Backend backend = open(backendName);
                Denoiser denoiser = LatteTransformer.load(Fixtures.model(model), "transformer", backend, DType.F32);
                SafetensorsFile expected = Fixtures.tensors(model + "/fixture.safetensors")) {
            ParityCheck check = new ParityCheck(expected, null, backend);
            LatteParity.compareRuns(check, denoiser, SCHEDULE);
            check.end();
            requireWithin(check, 4, 1e-4);
        }
    }

    private static void requireWithin(ParityCheck check, long tensors, double tolerance) {
        List<ParityCheck.Comparison> comparisons = check.result().comparisons();
        assertEquals(tensors, comparisons.size());
        List<ParityCheck.Comparison> beyond = comparisons.stream()
                .filter(comparison -> !comparison.isWithin(tolerance))
                .toList();
        assertTrue(beyond.isEmpty(), "beyond " + tolerance + ": " + beyond);
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
