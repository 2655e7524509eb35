package io.lingen.diffusion.internal.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.internal.PhiloxNormal;
import io.lingen.core.internal.SplitMix64;
import io.lingen.diffusion.DenoisingFunction;
import io.lingen.diffusion.Prediction;
import io.lingen.diffusion.Sampler;
import io.lingen.diffusion.Sampling;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Noise schedules, DDIM on a rectified flow, and DDPM, against their formulas in double precision. */
class NoiseScheduleTest {
    private static final NoiseSchedule SCHEDULE = NoiseSchedule.linear(1000, 1e-4, 2e-2);
    private static final long SEED = 11;
    private static final int ELEMENTS = 2 * 3 * 5 * 7;

    private static Backend backend;
    private Workspace workspace;

    @BeforeAll
    static void createBackend() {
        backend = Backends.create("cpu", new BackendOptions(1));
    }

    @AfterAll
    static void closeBackend() {
        backend.close();
    }

    @BeforeEach
    void openWorkspace() {
        workspace = backend.newWorkspace();
    }

    @AfterEach
    void closeWorkspace() {
        workspace.close();
    }

    @Test
    void signalIsTheProductOfAllBetas() {
        assertEquals(1 - 1e-4, SCHEDULE.signal(0), 1e-15);
        double product = 1;
        for (int i = 0; i < 1000; i++) {
            product *= 1 - (1e-4 + (2e-2 - 1e-4) * i / 999);
        }
        assertEquals(product, SCHEDULE.signal(999), 1e-18);
        assertEquals(4.04e-5, SCHEDULE.signal(999), 1e-7);
    }

    @Test
    void timesAndTimestepsAreInverse() {
        for (int i = 0; i < 1000; i++) {
            assertEquals(i, SCHEDULE.nearest(SCHEDULE.time(i)));
        }
        assertEquals(999, SCHEDULE.nearest(0));
        assertEquals(0, SCHEDULE.nearest(1));
    }

    @Test
    void timestepsAreThePublishedOnes() {
        int[] leading = SCHEDULE.leadingTimesteps(50, 0);
        assertArrayEquals(IntStream.range(0, 50).map(i -> 980 - 20 * i).toArray(), leading);
        assertArrayEquals(new int[] {667, 334, 1}, SCHEDULE.leadingTimesteps(3, 1));
        assertArrayEquals(new int[] {999, 749, 500, 250, 0}, SCHEDULE.evenTimesteps(5));
        int[] even = SCHEDULE.evenTimesteps(250);
        assertEquals(250, even.length);
        assertArrayEquals(new int[] {999, 995, 991}, new int[] {even[0], even[1], even[2]});
        assertEquals(0, even[249]);
        assertArrayEquals(new int[] {0}, SCHEDULE.evenTimesteps(1));
        assertEquals(1000, SCHEDULE.evenTimesteps(1000).length);
        assertThrows(IllegalArgumentException.class, () -> SCHEDULE.evenTimesteps(1001));
        assertThrows(IllegalArgumentException.class, () -> SCHEDULE.leadingTimesteps(50, 20));
    }

    /** The sum of strides and the product of index and stride differ at exact halves for some n. */
    @Test
    void strideIsSummed() {
        for (int n : new int[] {23, 38, 64, 112, 186}) {
            double stride = 999.0 / (n - 1);
            double sum = 0;
            int[] timesteps = SCHEDULE.evenTimesteps(n);
            for (int k = 0; k < n; k++) {
                assertEquals((int) Math.rint(sum), timesteps[n - 1 - k]);
                sum += stride;
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"even, 7, 0", "leading, 7, 0", "even, 50, 0", "leading, 50, 0.6", "even, 12, 1"})
    void ddimOnTheRectifiedFlowIsDdim(String kind, int steps, double eta) {
        int[] timesteps = timesteps(kind, steps);
        float[] noise = normals(SEED);
        Tensor latent = workspace.allocate(DType.F32, 2, 3, 5, 7);
        Sampler sampler = new DdimSampler(backend, SCHEDULE, timesteps, Prediction.NOISE, eta, 5);
        sampler.start(SEED, latent);
        double[] x = doubles(noise);
        float[] start = backend.download(latent).toFloats();
        for (int e = 0; e < ELEMENTS; e++) {
            assertEquals(x[e], start[e] * SCHEDULE.amplitude(timesteps[0]), 1e-6);
        }
        try (Sampling sampling = sampler.sample(FUNCTION, latent)) {
            for (int step = 0; step < steps; step++) {
                double a = SCHEDULE.signal(timesteps[step]);
                double next = step + 1 < steps ? SCHEDULE.signal(timesteps[step + 1]) : 1;
                double sigma = eta * Math.sqrt((1 - next) / (1 - a)) * Math.sqrt(1 - a / next);
                float[] fresh = normals(SplitMix64.output(5, step));
                for (int e = 0; e < ELEMENTS; e++) {
                    double epsilon = epsilon(x[e], timesteps[step]);
                    double clean = x[e] / Math.sqrt(a) - Math.sqrt(1 / a - 1) * epsilon;
                    x[e] = Math.sqrt(next) * clean + Math.sqrt(1 - next - sigma * sigma) * epsilon + sigma * fresh[e];
                }
                sampling.next();
                double amplitude = step + 1 < steps ? SCHEDULE.amplitude(timesteps[step + 1]) : 1;
                assertClose(x, backend.download(latent).toFloats(), amplitude, "after step " + step);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"even, 7", "leading, 7", "even, 250", "even, 1"})
    void ddpmEqualsItsFormula(String kind, int steps) {
        int[] timesteps = timesteps(kind, steps);
        Tensor latent = workspace.allocate(DType.F32, 2, 3, 5, 7);
        Sampler sampler = new DdpmSampler(backend, SCHEDULE, timesteps, StepNoise.ofSeed(backend, 5));
        sampler.start(SEED, latent);
        double[] x = doubles(normals(SEED));
        try (Sampling sampling = sampler.sample(FUNCTION_WITH_VARIANCE, latent)) {
            for (int step = 0; step < steps; step++) {
                double a = SCHEDULE.signal(timesteps[step]);
                double next = step + 1 < steps ? SCHEDULE.signal(timesteps[step + 1]) : 1;
                double beta = 1 - a / next;
                float[] fresh = normals(SplitMix64.output(5, step));
                for (int e = 0; e < ELEMENTS; e++) {
                    double epsilon = epsilon(x[e], timesteps[step]);
                    double f = (variance(x[e]) + 1) / 2;
                    double clean = x[e] / Math.sqrt(a) - Math.sqrt(1 / a - 1) * epsilon;
                    double mean = beta * Math.sqrt(next) / (1 - a) * clean
                            + (1 - next) * Math.sqrt(1 - beta) / (1 - a) * x[e];
                    double logarithm = f * Math.log(beta) + (1 - f) * Math.log(beta * (1 - next) / (1 - a));
                    x[e] = step + 1 < steps ? mean + Math.exp(logarithm / 2) * fresh[e] : mean;
                }
                sampling.next();
                assertClose(x, backend.download(latent).toFloats(), 1, "after step " + step);
            }
            Tensor estimate = workspace.allocate(DType.F32, latent.shape());
            sampling.estimate(estimate);
            assertClose(x, backend.download(estimate).toFloats(), 1, "the last step ends at the clean latent");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ddim", "ddpm"})
    void resumedRunsEqualUninterruptedOnes(String kind) {
        int[] timesteps = SCHEDULE.evenTimesteps(6);
        boolean isDdpm = kind.equals("ddpm");
        Sampler sampler = isDdpm
                ? new DdpmSampler(backend, SCHEDULE, timesteps, StepNoise.ofSeed(backend, 5))
                : new DdimSampler(backend, SCHEDULE, timesteps, Prediction.NOISE, 0.5, 5);
        DenoisingFunction function = isDdpm ? FUNCTION_WITH_VARIANCE : FUNCTION;
        Tensor whole = workspace.allocate(DType.F32, 2, 3, 5, 7);
        sampler.start(SEED, whole);
        try (Sampling sampling = sampler.sample(function, whole)) {
            sampling.forEachRemaining(step -> {});
        }
        for (int stop = 0; stop <= 6; stop++) {
            Tensor latent = workspace.allocate(DType.F32, 2, 3, 5, 7);
            sampler.start(SEED, latent);
            Map<String, HostTensor> state;
            try (Sampling sampling = sampler.sample(function, latent)) {
                for (int i = 0; i < stop; i++) {
                    sampling.next();
                }
                state = sampling.state();
            }
            try (Sampling sampling = sampler.sample(function, latent, stop, state)) {
                sampling.forEachRemaining(step -> {});
            }
            assertArrayEquals(
                    backend.download(whole).toFloats(), backend.download(latent).toFloats());
        }
    }

    @Test
    void timestepsMustDescend() {
        String message = assertThrows(
                        IllegalArgumentException.class,
                        () -> new DdimSampler(backend, SCHEDULE, new int[] {5, 7}, Prediction.NOISE, 0, 0))
                .getMessage();
        assertEquals("timesteps must descend from at most 999 to at least 0, found 7 after 5", message);
        assertThrows(
                IllegalArgumentException.class,
                () -> new DdpmSampler(backend, SCHEDULE, new int[] {1000}, StepNoise.ofSeed(backend, 0)));
        assertThrows(
                IllegalArgumentException.class,
                () -> new DdpmSampler(backend, SCHEDULE, new int[0], StepNoise.ofSeed(backend, 0)));
        assertThrows(IllegalArgumentException.class, () -> NoiseSchedule.linear(1000, 2e-2, 1e-4));
    }

    private static int[] timesteps(String kind, int steps) {
        return kind.equals("even") ? SCHEDULE.evenTimesteps(steps) : SCHEDULE.leadingTimesteps(steps, 0);
    }

    /** A prediction that is curved in x and in the timestep. It has a slope of at most 1, so errors of rounding do not grow. */
    private static double epsilon(double x, double timestep) {
        return Math.sin(x) * (0.4 + 0.5 * timestep / 1000);
    }

    private static double variance(double x) {
        return Math.cos(3 * x);
    }

    private static final DenoisingFunction FUNCTION = (x, t, out) -> {
        float[] values = backend.download(x).toFloats();
        for (int e = 0; e < values.length; e++) {
            values[e] = (float) epsilon(values[e], t);
        }
        backend.write(HostTensor.of(values, out.shape().toArray()), out);
    };

    private static final DenoisingFunction FUNCTION_WITH_VARIANCE = (x, t, out) -> {
        float[] values = backend.download(x).toFloats();
        FUNCTION.predict(x, t, out.slice(0, 2));
        for (int e = 0; e < values.length; e++) {
            values[e] = (float) variance(values[e]);
        }
        backend.write(HostTensor.of(values, 2, 3, 5, 7), out.slice(2, 4));
    };

    private static float[] normals(long seed) {
        float[] values = new float[ELEMENTS];
        PhiloxNormal.fill(seed, 0, values, 0, ELEMENTS);
        return values;
    }

    private static double[] doubles(float[] values) {
        return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
    }

    private static void assertClose(double[] expected, float[] found, double factor, String message) {
        double difference = 0;
        double norm = 0;
        for (int e = 0; e < expected.length; e++) {
            double error = found[e] * factor - expected[e];
            difference += error * error;
            norm += expected[e] * expected[e];
        }
        double relative = Math.sqrt(difference / norm);
        assertTrue(relative <= 1e-6, message + ": relative error " + relative);
    }
}
