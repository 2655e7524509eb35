package io.lingen.internal.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.diffusion.Sampler;
import io.lingen.diffusion.Sampling;
import io.lingen.spi.SamplingSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FlowSamplersTest {
    /** The time of the second of four steps, with shift 3. The spacings of u differ: 0.75025, 0.74925, 0.66766 and 0.75. */
    @ParameterizedTest
    @CsvSource({"unipc, 900", "dpm++, 899", "flow_euler, 857.692", "dmd, 900"})
    void samplersAreSelectedByName(String name, double time) {
        assertEquals(time, times(settings(name, null, 3.0, List.of(), 4, 0)).get(1), 1e-3);
    }

    @ParameterizedTest
    @CsvSource({"unipc, 2, start clean.0 clean.1", "unipc, 1, start clean.0", "dpm++, 2, clean", "dmd, 2, ''"})
    void theOrderIsThatOfUniPc(String name, int order, String state) {
        SamplingSettings settings = settings(name, null, 3.0, List.of(), 6, 0);
        try (Backend backend = Backends.create("cpu", new BackendOptions(1));
                Workspace workspace = backend.newWorkspace()) {
            Tensor latent = workspace.allocate(DType.F32, 1, 1, 2, 2);
            Sampler sampler = FlowSamplers.create(backend, settings, order, 7);
            sampler.start(7, latent);
            try (Sampling steps = sampler.sample((x, t, out) -> backend.copy(x, out), latent)) {
                steps.next();
                steps.next();
                Set<String> names = state.isEmpty() ? Set.of() : Set.of(state.split(" "));
                assertEquals(names, steps.state().keySet());
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"flow_euler", "dmd"})
    void samplersOfFirstOrderTakeTimes(String name) {
        List<Double> times = List.of(1000.0, 757.0, 522.0);
        assertEquals(times, times(settings(name, null, null, times, 3, 0)));
    }

    @Test
    void settingsThatASamplerDoesNotHaveAreRejected() {
        refused(
                "sampler unipc must have a shift in place of a schedule, found 'uniform'; omit the schedule",
                settings("unipc", "uniform", 3.0, List.of(), 4, 0));
        refused("eta must be 0 for the sampler dmd, found 0.5; omit it", settings("dmd", null, 3.0, List.of(), 4, 0.5));
        for (String name : List.of("unipc", "dpm++")) {
            refused(
                    "sampler must be flow_euler or dmd for given times, found " + name
                            + "; use one of them, or omit the times",
                    settings(name, null, null, List.of(900.0, 400.0), 2, 0));
        }
        refused(
                "sampler dmd must have a shift or the times of its 4 steps, found neither; give one of them",
                settings("dmd", null, null, List.of(), 4, 0));
        refused(
                "times of a sampler must decrease from at most 1000 and stay above 0, found 1001.0 as the first",
                settings("dmd", null, null, List.of(1001.0, 400.0), 2, 0));
        refused(
                "sampler must be one of unipc, dpm++, flow_euler, dmd, found 'euler'",
                settings("euler", null, 3.0, List.of(), 4, 0));
    }

    private static void refused(String message, SamplingSettings settings) {
        assertEquals(
                message,
                assertThrows(IllegalArgumentException.class, () -> FlowSamplers.require(settings))
                        .getMessage());
    }

    private static SamplingSettings settings(
            String sampler,
            @Nullable String schedule,
            @Nullable Double shift,
            List<Double> times,
            int steps,
            double eta) {
        return new SamplingSettings(sampler, schedule, shift, times, steps, 1, eta);
    }

    /** The times at which a sampler evaluates the denoiser. */
    private static List<Double> times(SamplingSettings settings) {
        FlowSamplers.require(settings);
        List<Double> times = new ArrayList<>();
        try (Backend backend = Backends.create("cpu", new BackendOptions(1));
                Workspace workspace = backend.newWorkspace()) {
            Tensor latent = workspace.allocate(DType.F32, 1, 1, 2, 2);
            Sampler sampler = FlowSamplers.create(backend, settings, 2, 7);
            sampler.start(7, latent);
            try (Sampling steps = sampler.sample(
                    (x, t, out) -> {
                        times.add(t);
                        backend.copy(x, out);
                    },
                    latent)) {
                steps.forEachRemaining(step -> {});
            }
        }
        return times;
    }
}
