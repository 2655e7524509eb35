package io.lingen.diffusion;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import java.util.Map;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RectifiedFlowSamplerTest {
    /** 50 additions, each rounded to half a unit in the last place of numbers below 4. */
    private static final float ROUNDING = 50 * Math.ulp(2f) / 2;

    @Test
    void eulerFollowsAStraightFlowExactly() {
        float[] noise = {1, -2, .5f, 3};
        float[] data = {-1, 4, .25f, 0};
        try (Backend backend = Backends.create("cpu", new BackendOptions(1));
                Workspace workspace = backend.newWorkspace()) {
            float[] difference = new float[4];
            for (int i = 0; i < 4; i++) {
                difference[i] = data[i] - noise[i];
            }
            HostTensor straight = HostTensor.of(difference, 1, 1, 2, 2);
            Tensor latent = backend.upload(workspace, HostTensor.of(noise.clone(), 1, 1, 2, 2), DType.F32);
            Sampler sampler =
                    new RectifiedFlowSampler(backend, Schedule.linearQuadratic().times(50));
            assertEquals(50, sampler.steps());
            try (Sampling steps = sampler.sample((x, t, velocity) -> backend.write(straight, velocity), latent)) {
                int count = 0;
                while (steps.hasNext()) {
                    SamplingStep step = steps.next();
                    count++;
                    assertEquals(count, step.index());
                    float[] onTheLine = new float[4];
                    for (int i = 0; i < 4; i++) {
                        onTheLine[i] = (float) (noise[i] + step.t() * difference[i]);
                    }
                    assertArrayEquals(onTheLine, backend.download(step.latent()).toFloats(), ROUNDING);
                    Tensor estimate = workspace.allocate(DType.F32, latent.shape());
                    steps.estimate(estimate);
                    assertArrayEquals(data, backend.download(estimate).toFloats(), ROUNDING);
                }
                assertEquals(50, count);
                assertArrayEquals(data, backend.download(latent).toFloats(), ROUNDING);
                assertThrows(NoSuchElementException.class, steps::next);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.5, 1})
    void freshNoiseKeepsTheDistribution(double eta) {
        // The velocity field of normal data of deviation 0.5. Samples have that deviation for every eta.
        double variance = 0.25;
        try (Backend backend = Backends.create("cpu", new BackendOptions(1));
                Workspace workspace = backend.newWorkspace()) {
            DenoisingFunction field = (x, t, velocity) -> {
                double factor = (t * variance - (1 - t)) / (t * t * variance + (1 - t) * (1 - t));
                backend.copy(x, velocity);
                backend.addScaled((float) (factor - 1), x, velocity);
            };
            Tensor latent = workspace.allocate(DType.F32, 1, 1, 1, 20_000);
            backend.normal(5, latent);
            finish(new RectifiedFlowSampler(backend, Schedule.uniform().times(400), eta, 5), field, latent);
            double squares = 0;
            for (float value : backend.download(latent).toFloats()) {
                squares += value * value;
            }
            // Four times the sampling error of the deviation of 20,000 numbers.
            assertEquals(.5, Math.sqrt(squares / 20_000), 4 * .5 / Math.sqrt(2 * 20_000));
        }
    }

    @Test
    void eachStepHasItsOwnSeed() {
        try (Backend backend = Backends.create("cpu", new BackendOptions(1));
                Workspace workspace = backend.newWorkspace()) {
            // From pure noise, with the clean latent at zero, eta 1 leaves nothing of the first noise.
            Tensor first = workspace.allocate(DType.F32, 1, 1, 4, 4);
            Tensor second = workspace.allocate(DType.F32, 1, 1, 4, 4);
            DenoisingFunction toZero = (x, t, velocity) -> {
                backend.copy(x, velocity);
                backend.addScaled(-2, x, velocity);
            };
            backend.normal(1, first);
            backend.normal(2, second);
            double[] times = {0, .5, 1};
            step(new RectifiedFlowSampler(backend, times, 1, 8), toZero, first);
            step(new RectifiedFlowSampler(backend, times, 1, 8), toZero, second);
            assertArrayEquals(
                    backend.download(first).toFloats(), backend.download(second).toFloats(), 1e-6f);
            step(new RectifiedFlowSampler(backend, times, 1, 9), toZero, second);
            assertNotEquals(
                    backend.download(first).toFloats()[0],
                    backend.download(second).toFloats()[0]);
            backend.normal(8, second);
            assertNotEquals(
                    backend.download(first).toFloats()[0],
                    .5f * backend.download(second).toFloats()[0]);
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {-.1, 1.1, Double.NaN})
    void etaMustBeWithinItsRange(double eta) {
        try (Backend backend = Backends.create("cpu", new BackendOptions(1))) {
            IllegalArgumentException e = assertThrows(
                    IllegalArgumentException.class,
                    () -> new RectifiedFlowSampler(backend, new double[] {0, 1}, eta, 0));
            assertEquals("eta must be 0 to 1, found " + eta, e.getMessage());
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.5})
    void resumedRunIsBitwiseEqual(double eta) {
        double[] times = Schedule.linearQuadratic().times(7);
        try (Backend backend = Backends.create("cpu", new BackendOptions(1));
                Workspace workspace = backend.newWorkspace()) {
            // A curved field, so that a wrong time or a missing step changes the result.
            DenoisingFunction field = (x, t, velocity) -> {
                backend.copy(x, velocity);
                backend.addScaled((float) (t - 1.7), x, velocity);
            };
            Tensor whole = workspace.allocate(DType.F32, 2, 3, 5, 7);
            backend.normal(3, whole);
            Sampler sampler = new RectifiedFlowSampler(backend, times, eta, 4);
            finish(sampler, field, whole);
            for (int stop = 0; stop <= 7; stop++) {
                Tensor latent = workspace.allocate(DType.F32, 2, 3, 5, 7);
                backend.normal(3, latent);
                try (Sampling first = sampler.sample(field, latent)) {
                    for (int i = 0; i < stop; i++) {
                        first.next();
                    }
                    assertEquals(Map.of(), first.state());
                }
                HostTensor saved = backend.download(latent);
                Tensor resumed = backend.upload(workspace, saved, DType.F32);
                try (Sampling rest = sampler.sample(field, resumed, stop, Map.of())) {
                    for (int i = stop; i < 7; i++) {
                        SamplingStep step = rest.next();
                        assertEquals(i + 1, step.index());
                        assertEquals(times[i + 1], step.t());
                    }
                    assertFalse(rest.hasNext());
                }
                assertArrayEquals(
                        backend.download(whole).toFloats(),
                        backend.download(resumed).toFloats(),
                        "stopped after " + stop);
            }
            for (int impossible : new int[] {8, -1}) {
                assertThrows(IllegalArgumentException.class, () -> sampler.sample(field, whole, impossible, Map.of()));
            }
            Map<String, HostTensor> state = Map.of("x", HostTensor.of(new float[1], 1));
            assertThrows(IllegalArgumentException.class, () -> sampler.sample(field, whole, 1, state));
        }
    }

    @Test
    void nothingIsComputedBeforeTheFirstStepAndTimesMustIncrease() {
        try (Backend backend = Backends.create("cpu", new BackendOptions(1));
                Workspace workspace = backend.newWorkspace()) {
            Tensor latent = workspace.allocate(DType.F32, 1, 1, 1, 1);
            boolean[] asked = new boolean[1];
            Sampler sampler = new RectifiedFlowSampler(backend, new double[] {0, 1});
            sampler.sample((x, t, v) -> asked[0] = true, latent).close();
            assertFalse(asked[0]);
            assertThrows(
                    IllegalArgumentException.class,
                    () -> new RectifiedFlowSampler(backend, new double[] {0, .5, .5, 1}));
            assertThrows(IllegalArgumentException.class, () -> new RectifiedFlowSampler(backend, new double[] {0}));
        }
    }

    private static void step(Sampler sampler, DenoisingFunction function, Tensor latent) {
        try (Sampling steps = sampler.sample(function, latent)) {
            steps.next();
        }
    }

    private static void finish(Sampler sampler, DenoisingFunction function, Tensor latent) {
        try (Sampling steps = sampler.sample(function, latent)) {
            steps.forEachRemaining(step -> {});
        }
    }
}
