package io.lingen.diffusion;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lingen.core.Backend;
import io.lingen.core.BackendOptions;
import io.lingen.core.Backends;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Test;

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

    @Test
    void aRunThatGoesOnFromALatentGivesTheSameBits() {
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
            new RectifiedFlowSampler(backend).steps(field, whole, times).forEachRemaining(step -> {});
            for (int stop = 0; stop <= 7; stop++) {
                Tensor latent = workspace.allocate(DType.F32, 2, 3, 5, 7);
                backend.normal(3, latent);
                Iterator<SamplingStep> first = new RectifiedFlowSampler(backend).steps(field, latent, times);
                for (int i = 0; i < stop; i++) {
                    first.next();
                }
                HostTensor saved = backend.download(latent);
                Tensor resumed = backend.upload(workspace, saved, DType.F32);
                Iterator<SamplingStep> rest = new RectifiedFlowSampler(backend).steps(field, resumed, times, stop);
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
