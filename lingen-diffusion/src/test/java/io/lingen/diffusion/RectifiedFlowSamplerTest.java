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
import java.util.Iterator;
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
            Iterator<SamplingStep> steps = new RectifiedFlowSampler(backend)
                    .steps(
                            (x, t, velocity) -> backend.write(straight, velocity),
                            latent,
                            Schedule.linearQuadratic().times(50));
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
            }
            assertEquals(50, count);
            assertArrayEquals(data, backend.download(latent).toFloats(), ROUNDING);
            assertThrows(NoSuchElementException.class, steps::next);
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.5, 1})
    void freshNoiseKeepsTheDistribution(double eta) {
        // Normal data of deviation 0.5 have this velocity field; whatever eta, its samples have that deviation.
        double variance = 0.25;
        try (Backend backend = Backends.create("cpu", new BackendOptions(1));
                Workspace workspace = backend.newWorkspace()) {
            VelocityField field = (x, t, velocity) -> {
                double factor = (t * variance - (1 - t)) / (t * t * variance + (1 - t) * (1 - t));
                backend.copy(x, velocity);
                backend.addScaled((float) (factor - 1), x, velocity);
            };
            Tensor latent = workspace.allocate(DType.F32, 1, 1, 1, 20_000);
            backend.normal(5, latent);
            new RectifiedFlowSampler(backend, eta, 5)
                    .steps(field, latent, Schedule.uniform().times(400))
                    .forEachRemaining(step -> {});
            double squares = 0;
            for (float value : backend.download(latent).toFloats()) {
                squares += value * value;
            }
            // Four times the sampling error of the deviation of 20,000 numbers.
            assertEquals(.5, Math.sqrt(squares / 20_000), 4 * .5 / Math.sqrt(2 * 20_000));
        }
    }

    @Test
    void aStepRenewsNoiseOfItsOwnSeed() {
        try (Backend backend = Backends.create("cpu", new BackendOptions(1));
                Workspace workspace = backend.newWorkspace()) {
            // From pure noise, with the clean latent at zero, eta 1 leaves nothing of the first noise.
            Tensor first = workspace.allocate(DType.F32, 1, 1, 4, 4);
            Tensor second = workspace.allocate(DType.F32, 1, 1, 4, 4);
            VelocityField toZero = (x, t, velocity) -> {
                backend.copy(x, velocity);
                backend.addScaled(-2, x, velocity);
            };
            backend.normal(1, first);
            backend.normal(2, second);
            double[] times = {0, .5, 1};
            new RectifiedFlowSampler(backend, 1, 8).steps(toZero, first, times).next();
            new RectifiedFlowSampler(backend, 1, 8).steps(toZero, second, times).next();
            assertArrayEquals(
                    backend.download(first).toFloats(), backend.download(second).toFloats(), 1e-6f);
            new RectifiedFlowSampler(backend, 1, 9).steps(toZero, second, times).next();
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
    void etaIsAShare(double eta) {
        try (Backend backend = Backends.create("cpu", new BackendOptions(1))) {
            IllegalArgumentException e =
                    assertThrows(IllegalArgumentException.class, () -> new RectifiedFlowSampler(backend, eta, 0));
            assertEquals("eta is 0 to 1, found " + eta, e.getMessage());
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.5})
    void aRunThatGoesOnFromALatentGivesTheSameBits(double eta) {
        double[] times = Schedule.linearQuadratic().times(7);
        try (Backend backend = Backends.create("cpu", new BackendOptions(1));
                Workspace workspace = backend.newWorkspace()) {
            // A field that bends: a wrong time or a step too few would show.
            VelocityField field = (x, t, velocity) -> {
                backend.copy(x, velocity);
                backend.addScaled((float) (t - 1.7), x, velocity);
            };
            Tensor whole = workspace.allocate(DType.F32, 2, 3, 5, 7);
            backend.normal(3, whole);
            new RectifiedFlowSampler(backend, eta, 4).steps(field, whole, times).forEachRemaining(step -> {});
            for (int stop = 0; stop <= 7; stop++) {
                Tensor latent = workspace.allocate(DType.F32, 2, 3, 5, 7);
                backend.normal(3, latent);
                Iterator<SamplingStep> first = new RectifiedFlowSampler(backend, eta, 4).steps(field, latent, times);
                for (int i = 0; i < stop; i++) {
                    first.next();
                }
                HostTensor saved = backend.download(latent);
                Tensor resumed = backend.upload(workspace, saved, DType.F32);
                Iterator<SamplingStep> rest =
                        new RectifiedFlowSampler(backend, eta, 4).steps(field, resumed, times, stop);
                for (int i = stop; i < 7; i++) {
                    SamplingStep step = rest.next();
                    assertEquals(i + 1, step.index());
                    assertEquals(times[i + 1], step.t());
                }
                assertFalse(rest.hasNext());
                assertArrayEquals(
                        backend.download(whole).toFloats(),
                        backend.download(resumed).toFloats(),
                        "stopped after " + stop);
            }
            assertThrows(IllegalArgumentException.class, () -> new RectifiedFlowSampler(backend)
                    .steps(field, whole, times, 8));
            assertThrows(IllegalArgumentException.class, () -> new RectifiedFlowSampler(backend)
                    .steps(field, whole, times, -1));
        }
    }

    @Test
    void nothingIsComputedBeforeTheFirstStepAndTimesMustIncrease() {
        try (Backend backend = Backends.create("cpu", new BackendOptions(1));
                Workspace workspace = backend.newWorkspace()) {
            Tensor latent = workspace.allocate(DType.F32, 1, 1, 1, 1);
            boolean[] asked = new boolean[1];
            RectifiedFlowSampler sampler = new RectifiedFlowSampler(backend);
            sampler.steps((x, t, v) -> asked[0] = true, latent, new double[] {0, 1});
            assertFalse(asked[0]);
            assertThrows(
                    IllegalArgumentException.class,
                    () -> sampler.steps((x, t, v) -> {}, latent, new double[] {0, .5, .5, 1}));
            assertThrows(
                    IllegalArgumentException.class, () -> sampler.steps((x, t, v) -> {}, latent, new double[] {0}));
        }
    }
}
