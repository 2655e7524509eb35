package io.lingen.diffusion.internal.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.internal.PhiloxNormal;
import io.lingen.core.internal.SplitMix64;
import io.lingen.diffusion.DenoisingFunction;
import io.lingen.diffusion.Sampler;
import io.lingen.diffusion.Sampling;
import io.lingen.diffusion.SamplingStep;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.DoubleFunction;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** UniPC, DPM-Solver++, Euler's method and the few-step sampler, against their formulas in double precision. */
class FlowSamplersTest {
    private static final long SEED = 11;
    private static final int ELEMENTS = 2 * 3 * 5 * 7;

    /** The rounding of a few F32 operations per step, over up to 50 steps; relative to the norm of the latent. */
    private static final double TOLERANCE = 1e-6;

    /** A velocity that is curved in x and in t, so that a wrong time, coefficient or order changes the result. */
    private static final ReferenceSamplers.Field FIELD =
            (x, t) -> Math.tanh(1.5 * x) * Math.cos(t / 300) + 0.4 * x - 0.3 * Math.sin(t / 100);

    private static Backend backend;
    private Workspace workspace;

    @BeforeAll
    static void createBackend() {
        backend = Backends.create("cpu", new BackendOptions(1));
    }

    @AfterAll
    static void closeBackend() {
        assertEquals(0, backend.memory().liveBytes(), "leaked tensors");
        backend.close();
    }

    @BeforeEach
    void createWorkspace() {
        workspace = backend.newWorkspace();
    }

    @AfterEach
    void closeWorkspace() {
        workspace.close();
    }

    @ParameterizedTest
    @CsvSource({"1,3,2", "2,1,2", "3,5,2", "4,8,2", "7,5,2", "50,3,2", "7,3,1", "6,5,3", "20,3,3", "12,12,4"})
    void uniPcFollowsItsFormulas(int steps, double shift, int order) {
        assertFollows(
                new UniPcSampler(backend, FlowSigmas.uniPc(steps, shift), order),
                x -> ReferenceSamplers.uniPc(steps, shift, order, FIELD, x));
    }

    @ParameterizedTest
    @CsvSource({"1,8", "2,8", "3,5", "8,8", "50,8"})
    void dpmSolverFollowsItsFormulas(int steps, double shift) {
        assertFollows(
                new DpmSolverSampler(backend, FlowSigmas.dpmSolver(steps, shift)),
                x -> ReferenceSamplers.dpmSolver(steps, shift, FIELD, x));
    }

    @ParameterizedTest
    @CsvSource({"1,3", "2,3", "5,3", "20,8", "3,1"})
    void eulerFollowsItsFormulas(int steps, double shift) {
        assertFollows(
                new FlowEulerSampler(backend, FlowSigmas.flowEuler(steps, shift)),
                x -> ReferenceSamplers.flowEuler(steps, shift, FIELD, x));
    }

    @Test
    void dmdAddsTheNoiseOfItsSeedAndStep() {
        double[] times = {1000, 757, 522};
        Sampler sampler = new DmdSampler(backend, FlowSigmas.ofTimes(times), SEED);
        double[][] steps = run(sampler, function());
        float[] start = noise(SEED);
        for (int element = 0; element < ELEMENTS; element++) {
            double[] noise = new double[times.length];
            for (int i = 0; i < times.length; i++) {
                noise[i] = PhiloxNormal.at(SplitMix64.output(SEED, i), element);
            }
            double[] expected = ReferenceSamplers.dmd(times, noise, FIELD, start[element]);
            for (int i = 0; i < times.length; i++) {
                assertEquals(expected[i], steps[i][element], 1e-6 * (1 + Math.abs(expected[i])));
            }
        }
    }

    @Test
    void dmdHasFreshNoiseInEveryStepAndForEverySeed() {
        // With a clean latent of zero, a latent is nothing but the noise of its level.
        FlowSigmas sigmas = FlowSigmas.ofTimes(1000, 800, 400);
        int[] calls = new int[1];
        DenoisingFunction toZero = (x, t, velocity) -> {
            backend.copy(x, velocity);
            backend.addScaled((float) (1 / sigmas.sigma(calls[0]++ % 3) - 1), x, velocity);
        };
        double[][] first = run(new DmdSampler(backend, sigmas, 1), toZero);
        double[][] second = run(new DmdSampler(backend, sigmas, 2), toZero);
        for (double[] latent : List.of(first[0], first[1], second[0])) {
            assertTrue(DoubleStream.of(latent).map(Math::abs).max().orElse(0) > 0.5, "noise");
        }
        assertTrue(Math.abs(correlation(first[0], first[1])) < 0.3, "two steps");
        assertTrue(Math.abs(correlation(first[0], second[0])) < 0.3, "two seeds");
        assertTrue(DoubleStream.of(first[2]).allMatch(x -> Math.abs(x) < 1e-6), "no noise after the last step");
    }

    static List<Sampler> samplers() {
        return List.of(
                new UniPcSampler(backend, FlowSigmas.uniPc(7, 5), 2),
                new UniPcSampler(backend, FlowSigmas.uniPc(7, 5), 3),
                new DpmSolverSampler(backend, FlowSigmas.dpmSolver(7, 8)),
                new FlowEulerSampler(backend, FlowSigmas.flowEuler(7, 3)),
                new DmdSampler(backend, FlowSigmas.distilled(7, 5), SEED));
    }

    @ParameterizedTest
    @MethodSource("samplers")
    void resumedRunIsBitwiseEqualFromEveryStep(Sampler sampler) {
        Tensor whole = start(sampler);
        try (Sampling steps = sampler.sample(function(), whole)) {
            steps.forEachRemaining(step -> {});
            assertEquals(Map.of(), steps.state());
        }
        float[] expected = backend.download(whole).toFloats();
        for (int stop = 0; stop <= sampler.steps(); stop++) {
            Tensor latent = start(sampler);
            Map<String, HostTensor> state;
            try (Sampling steps = sampler.sample(function(), latent)) {
                for (int i = 0; i < stop; i++) {
                    steps.next();
                }
                state = steps.state();
            }
            Tensor resumed = backend.upload(workspace, backend.download(latent), DType.F32);
            try (Sampling steps = sampler.sample(function(), resumed, stop, state)) {
                assertEquals(state.keySet(), steps.state().keySet());
                steps.forEachRemaining(step -> {});
            }
            assertArrayEquals(expected, backend.download(resumed).toFloats(), "stopped after " + stop);
        }
    }

    @ParameterizedTest
    @MethodSource("samplers")
    void theEstimateIsTheCleanLatentOfTheLastVelocity(Sampler sampler) {
        Tensor latent = start(sampler);
        Tensor velocity = workspace.allocate(DType.F32, latent.shape());
        Tensor input = workspace.allocate(DType.F32, latent.shape());
        Tensor estimate = workspace.allocate(DType.F32, latent.shape());
        double[] time = new double[1];
        DenoisingFunction watched = (x, t, out) -> {
            function().predict(x, t, out);
            backend.copy(x, input);
            backend.copy(out, velocity);
            time[0] = t;
        };
        try (Sampling steps = sampler.sample(watched, latent)) {
            steps.estimate(estimate);
            assertArrayEquals(floats(latent), floats(estimate), "before the first step");
            SamplingStep step = null;
            while (steps.hasNext()) {
                step = steps.next();
                steps.estimate(estimate);
                float[] x = floats(input);
                float[] v = floats(velocity);
                float[] found = floats(estimate);
                for (int i = 0; i < ELEMENTS; i++) {
                    // A time that was cut differs from 1000 sigma by less than 1.
                    assertEquals(x[i] - time[0] / 1000 * v[i], found[i], 1e-3 * Math.abs(v[i]) + 1e-6);
                }
            }
            assertEquals(sampler.steps(), step == null ? 0 : step.index());
            assertEquals(0, step == null ? 1 : step.t());
            if (!(sampler instanceof FlowEulerSampler)) {
                assertArrayEquals(floats(estimate), floats(latent), "the last step ends at the clean latent");
            }
        }
    }

    @ParameterizedTest
    @MethodSource("samplers")
    void stateThatDoesNotFitIsRefused(Sampler sampler) {
        Tensor latent = start(sampler);
        Map<String, HostTensor> state;
        try (Sampling steps = sampler.sample(function(), latent)) {
            steps.next();
            steps.next();
            state = steps.state();
        }
        Set<String> names = sampler instanceof UniPcSampler
                ? Set.of("start", "clean.0", "clean.1")
                : sampler instanceof DpmSolverSampler ? Set.of("clean") : Set.of();
        assertEquals(names, state.keySet());
        long live = backend.memory().liveBytes();
        for (String name : names) {
            Map<String, HostTensor> incomplete = new HashMap<>(state);
            incomplete.remove(name);
            assertRefused(sampler, latent, 2, incomplete, "must have the tensors [");
            Map<String, HostTensor> misshapen = new HashMap<>(state);
            misshapen.put(name, HostTensor.of(new float[ELEMENTS], ELEMENTS));
            assertRefused(sampler, latent, 2, misshapen, Shape.of(ELEMENTS).toString());
        }
        Map<String, HostTensor> foreign = new HashMap<>(state);
        foreign.put("other", backend.download(latent));
        assertRefused(sampler, latent, 2, foreign, "other");
        assertRefused(sampler, latent, 0, foreign, "after 0 of 7 steps must have the tensors [], found [");
        assertRefused(sampler, latent, 7, foreign, "after 7 of 7 steps must have the tensors [], found [");
        for (int impossible : new int[] {-1, 8}) {
            assertRefused(sampler, latent, impossible, Map.of(), "steps done must be 0 to 7, found " + impossible);
        }
        assertEquals(live, backend.memory().liveBytes(), "leaked tensors of a refused state");
    }

    @ParameterizedTest
    @MethodSource("samplers")
    void theDenoiserIsEvaluatedOnceAStep(Sampler sampler) {
        List<Double> times = new ArrayList<>();
        DenoisingFunction watched = (x, t, out) -> {
            times.add(t);
            function().predict(x, t, out);
        };
        run(sampler, watched);
        assertEquals(7, times.size());
        assertTrue(times.get(0) >= 999 && times.get(0) <= 1000, times.toString());
        boolean cut = sampler instanceof UniPcSampler || sampler instanceof DpmSolverSampler;
        assertEquals(cut, times.stream().allMatch(t -> t == Math.rint(t)), times.toString());
    }

    @Test
    void ordersOfUniPcAreLimitedAtBothEnds() {
        // Orders of three steps: 1, 2, 1; of four: 1, 2, 2, 1; of five: 1, 2, 3, 2, 1.
        for (int steps : new int[] {1, 2, 3, 4}) {
            assertArrayEquals(uniPc(steps, 2), uniPc(steps, 9), steps + " steps");
        }
        assertFalse(Arrays.equals(uniPc(5, 2), uniPc(5, 3)), "order 3 in the middle of five steps");
        assertArrayEquals(uniPc(5, 3), uniPc(5, 9), "five steps");
        assertFalse(Arrays.equals(uniPc(3, 1), uniPc(3, 2)), "order 2 in the middle of three steps");
        String message = assertThrows(
                        IllegalArgumentException.class, () -> new UniPcSampler(backend, FlowSigmas.uniPc(5, 3), 0))
                .getMessage();
        assertEquals("order of UniPC must be at least 1, found 0", message);
    }

    /**
     * The corrector of order p uses p + 1 predictions, the predictor of order p > 2 uses p. Both are exact where the clean latent is a
     * polynomial in lambda of that many coefficients: x'/sigma' = x/sigma + integral of e^lambda m(lambda).
     */
    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4})
    void uniPcIsExactForPolynomials(int order) {
        FlowSigmas sigmas = FlowSigmas.ofTimes(900, 800, 720, 600, 520, 400, 310, 200, 120);
        int steps = sigmas.steps();
        for (int degree = 0; degree <= order; degree++) {
            int power = degree;
            DoubleUnaryOperator clean = lambda -> 0.7 + Math.pow(lambda / 2, power);
            int[] calls = new int[1];
            DenoisingFunction polynomial = (x, t, out) -> {
                int step = calls[0]++;
                float[] values = floats(x);
                for (int i = 0; i < values.length; i++) {
                    values[i] = (float) ((values[i] - clean.applyAsDouble(sigmas.lambda(step))) / sigmas.sigma(step));
                }
                backend.write(HostTensor.of(values, x.shape().toArray()), out);
            };
            Sampler sampler = new UniPcSampler(backend, sigmas, order);
            Tensor latent = start(sampler);
            try (Sampling sampling = sampler.sample(polynomial, latent)) {
                double start = Double.NaN; // y of the step before
                for (int i = 0; i < steps - 1; i++) {
                    sampling.next();
                    double corrected = sampling.state().get("start").get(0);
                    boolean full = i >= order && order <= steps - i; // the orders of steps i - 1 and i
                    if (full) {
                        assertEquals(exact(sigmas, i - 1, clean, start), corrected, 2e-6, "corrector of step " + i);
                    }
                    if (full && order > 2 && degree < order) {
                        double predicted = backend.download(latent).get(0);
                        assertEquals(exact(sigmas, i, clean, corrected), predicted, 2e-6, "predictor of step " + i);
                    }
                    start = corrected;
                }
            }
        }
    }

    /** Takes x from one level to the next by Simpson's rule. */
    private static double exact(FlowSigmas sigmas, int from, DoubleUnaryOperator clean, double x) {
        double a = sigmas.lambda(from);
        double h = (sigmas.lambda(from + 1) - a) / 200;
        double integral = IntStream.rangeClosed(0, 200)
                .mapToDouble(i -> (i == 0 || i == 200 ? 1 : i % 2 == 0 ? 2 : 4)
                        * Math.exp(a + i * h)
                        * clean.applyAsDouble(a + i * h))
                .sum();
        return sigmas.sigma(from + 1) * (x / sigmas.sigma(from) + integral * h / 3);
    }

    private double[] uniPc(int steps, int order) {
        return run(new UniPcSampler(backend, FlowSigmas.uniPc(steps, 3), order), function())[steps - 1];
    }

    /** Compares the latent after every step with the reference, element by element. */
    private void assertFollows(Sampler sampler, DoubleFunction<double[]> reference) {
        double[][] found = run(sampler, function());
        float[] start = noise(SEED);
        double[][] expected = new double[sampler.steps()][ELEMENTS];
        for (int element = 0; element < ELEMENTS; element++) {
            double[] steps = reference.apply(start[element]);
            for (int i = 0; i < steps.length; i++) {
                expected[i][element] = steps[i];
            }
        }
        for (int i = 0; i < sampler.steps(); i++) {
            double difference = 0;
            double norm = 0;
            for (int element = 0; element < ELEMENTS; element++) {
                difference += Math.pow(found[i][element] - expected[i][element], 2);
                norm += Math.pow(expected[i][element], 2);
            }
            double error = Math.sqrt(difference / norm);
            int step = i;
            assertTrue(error <= TOLERANCE, () -> "relative error after step " + step + ": " + error);
        }
    }

    private double[][] run(Sampler sampler, DenoisingFunction function) {
        double[][] latents = new double[sampler.steps()][];
        Tensor latent = start(sampler);
        try (Sampling steps = sampler.sample(function, latent)) {
            steps.forEachRemaining(step -> latents[step.index() - 1] = doubles(floats(step.latent())));
        }
        return latents;
    }

    private Tensor start(Sampler sampler) {
        Tensor latent = workspace.allocate(DType.F32, 2, 3, 5, 7);
        sampler.start(SEED, latent);
        return latent;
    }

    private static DenoisingFunction function() {
        return (x, t, out) -> {
            float[] values = floats(x);
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) FIELD.velocity(values[i], t);
            }
            backend.write(HostTensor.of(values, x.shape().toArray()), out);
        };
    }

    private static void assertRefused(
            Sampler sampler, Tensor latent, int stepsDone, Map<String, HostTensor> state, String part) {
        String message = assertThrows(
                        IllegalArgumentException.class, () -> sampler.sample(function(), latent, stepsDone, state))
                .getMessage();
        assertTrue(message.contains(part), message);
    }

    private static float[] noise(long seed) {
        float[] noise = new float[ELEMENTS];
        PhiloxNormal.fill(seed, 0, noise, 0, ELEMENTS);
        return noise;
    }

    private static float[] floats(Tensor tensor) {
        return backend.download(tensor).toFloats();
    }

    private static double[] doubles(float[] values) {
        return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
    }

    private static double correlation(double[] a, double[] b) {
        double ab = 0;
        double aa = 0;
        double bb = 0;
        for (int i = 0; i < a.length; i++) {
            ab += a[i] * b[i];
            aa += a[i] * a[i];
            bb += b[i] * b[i];
        }
        return ab / Math.sqrt(aa * bb);
    }
}
