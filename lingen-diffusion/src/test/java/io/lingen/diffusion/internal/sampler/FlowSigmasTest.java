package io.lingen.diffusion.internal.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class FlowSigmasTest {
    /** Half a unit in the last place of an F32 number below 1. */
    private static final double ROUNDING = Math.ulp(1f) / 4;

    @Test
    void uniPcHasThePublishedLevels() {
        FlowSigmas sigmas = FlowSigmas.uniPc(50, 3);
        assertEquals(50, sigmas.steps());
        assertEquals((float) (1 - 1e-6), sigmas.sigma(0));
        assertEquals(2.94006 / 2.96004, sigmas.sigma(1), ROUNDING); // u = 0.98002
        assertEquals(1.5015 / 2.001, sigmas.sigma(25), ROUNDING); // u = 0.5005
        assertEquals(0.06294 / 1.04196, sigmas.sigma(49), ROUNDING); // u = 0.02098
        assertEquals(0, sigmas.sigma(50));
        assertEquals(999, sigmas.time(0));
        assertEquals(993, sigmas.time(1));
        assertEquals(750, sigmas.time(25));
        assertEquals(60, sigmas.time(49));
        assertEquals((float) (1 - 1e-6), FlowSigmas.uniPc(1, 0.2).sigma(0));
    }

    @Test
    void dpmSolverBeginsBelowOne() {
        FlowSigmas sigmas = FlowSigmas.dpmSolver(8, 8);
        assertEquals(7.992 / 7.993, sigmas.sigma(0), ROUNDING); // u = 0.999
        assertEquals(3.996 / 4.4965, sigmas.sigma(4), ROUNDING); // u = 0.4995
        assertEquals(0.999 / 1.874125, sigmas.sigma(7), ROUNDING); // u = 0.124875
        assertEquals(0, sigmas.sigma(8));
        assertArrayEquals(new double[] {999, 982, 959, 930, 888, 827, 727, 533}, times(sigmas));
    }

    @Test
    void eulersLastLevelIsShiftedTwice() {
        FlowSigmas sigmas = FlowSigmas.flowEuler(5, 3);
        double last = 0.003 / 1.002;
        double middle = (1 + last) / 2;
        assertEquals(1, sigmas.sigma(0));
        assertEquals(3 * middle / (1 + 2 * middle), sigmas.sigma(2), ROUNDING);
        assertEquals(0.009 / 1.008, sigmas.sigma(4), ROUNDING); // a shift of 3, twice, is one of 9
        assertEquals(0, sigmas.sigma(5));
        assertEquals(9 / 1.008, sigmas.time(4), 1e-12);
        FlowSigmas single = FlowSigmas.flowEuler(1, 3);
        assertEquals(1, single.sigma(0));
        assertEquals(1000, single.time(0));
    }

    @Test
    void distilledLevelsAreThoseOfSelfForcing() {
        FlowSigmas sigmas = FlowSigmas.distilled(4, 5);
        assertArrayEquals(new double[] {1, 0.9375, 5 / 6.0, 0.625, 0}, levels(sigmas), ROUNDING);
        assertArrayEquals(new double[] {1000, 937.5, 5000 / 6.0, 625}, times(sigmas), 1e-12);
    }

    @Test
    void givenTimesAreKept() {
        FlowSigmas sigmas = FlowSigmas.ofTimes(1000, 757, 522);
        assertArrayEquals(new double[] {1, 0.757, 0.522, 0}, levels(sigmas), ROUNDING);
        assertArrayEquals(new double[] {1000, 757, 522}, times(sigmas));
    }

    @Test
    void lambdaIsHalfTheLogarithmOfTheSignalToNoiseRatio() {
        FlowSigmas sigmas = FlowSigmas.ofTimes(750, 500);
        assertEquals(-Math.log(3), sigmas.lambda(0), 1e-15);
        assertEquals(0, sigmas.lambda(1), 1e-15);
        assertEquals(Double.POSITIVE_INFINITY, sigmas.lambda(2));
    }

    @Test
    void levelsDecreaseToZeroForAnyNumberOfSteps() {
        for (double shift : new double[] {0.1, 1, 3, 12, 100}) {
            for (int steps = 1; steps <= 1000; steps += steps < 20 ? 1 : 49) {
                for (FlowSigmas sigmas : List.of(
                        FlowSigmas.uniPc(steps, shift),
                        FlowSigmas.dpmSolver(steps, shift),
                        FlowSigmas.flowEuler(steps, shift),
                        FlowSigmas.distilled(steps, shift))) {
                    assertEquals(steps, sigmas.steps());
                    assertEquals(0, sigmas.sigma(steps));
                    for (int i = 0; i < steps; i++) {
                        assertTrue(sigmas.sigma(i) <= 1 && sigmas.sigma(i) > sigmas.sigma(i + 1));
                        assertTrue(Math.abs(sigmas.time(i) - 1000 * sigmas.sigma(i)) <= 1 + 1e-4, "time of " + i);
                    }
                }
            }
        }
    }

    @Test
    void invalidSettingsAreRejected() {
        refused("steps of a sampler must be at least 1, found 0", () -> FlowSigmas.uniPc(0, 3));
        refused("shift of a sampler must be a positive number, found -1.0", () -> FlowSigmas.dpmSolver(4, -1));
        refused("shift of a sampler must be a positive number, found NaN", () -> FlowSigmas.flowEuler(4, Double.NaN));
        refused(
                "shift of a sampler must be a positive number, found Infinity",
                () -> FlowSigmas.distilled(4, Double.POSITIVE_INFINITY));
        refused(
                "noise levels must decrease with every step, found 1.0 and 1.0; use fewer steps or a shift closer to 1",
                () -> FlowSigmas.flowEuler(1000, 1e6));
        refused("times of a sampler must be at least one, found none", FlowSigmas::ofTimes);
        String rule = "times of a sampler must decrease from at most 1000 and stay above 0, found ";
        refused(rule + "1000.5 as the first", () -> FlowSigmas.ofTimes(1000.5, 500));
        refused(rule + "NaN as the first", () -> FlowSigmas.ofTimes(Double.NaN));
        refused(rule + "500.0 after 500.0", () -> FlowSigmas.ofTimes(500, 500));
        refused(rule + "0.0 after 500.0", () -> FlowSigmas.ofTimes(500, 0));
    }

    private static void refused(String message, Executable construction) {
        assertEquals(
                message,
                assertThrows(IllegalArgumentException.class, construction).getMessage());
    }

    private static double[] levels(FlowSigmas sigmas) {
        return IntStream.rangeClosed(0, sigmas.steps())
                .mapToDouble(sigmas::sigma)
                .toArray();
    }

    private static double[] times(FlowSigmas sigmas) {
        return IntStream.range(0, sigmas.steps()).mapToDouble(sigmas::time).toArray();
    }
}
