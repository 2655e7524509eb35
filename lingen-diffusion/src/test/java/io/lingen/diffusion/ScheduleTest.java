package io.lingen.diffusion;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScheduleTest {
    @Test
    void linearQuadraticHasThePublishedTimes() {
        double[] times = Schedule.linearQuadratic().times(50);
        assertEquals(51, times.length);
        assertEquals(.004, times[1], 1e-12);
        assertEquals(.1, times[25], 1e-12);
        assertEquals(.10528, times[26], 1e-12);
        assertEquals(.152, times[30], 1e-12);
        assertEquals(.448, times[40], 1e-12);
        assertEquals(.93328, times[49], 1e-12);
        assertEquals(1, times[50]);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "linear_quadratic",
                "uniform",
                "shifted",
                "shifted:0.5",
                "shifted:5e-1",
                "SHIFTED:7",
                "linear-quadratic"
            })
    void timesIncreaseFromNoiseToDataForAnyNumberOfSteps(String name) {
        for (int steps = 1; steps <= 600; steps++) {
            double[] times = Schedule.named(name).times(steps);
            assertEquals(steps + 1, times.length);
            assertEquals(0, times[0]);
            assertEquals(1, times[steps]);
            for (int i = 1; i <= steps; i++) {
                assertTrue(times[i] > times[i - 1], name + " with " + steps + " steps at " + i);
            }
        }
    }

    @Test
    void shiftOneIsUniformAndAShiftOfThreePutsHalfTimeAtAQuarter() {
        assertArrayEquals(Schedule.uniform().times(9), Schedule.shifted(1).times(9), 1e-15);
        assertEquals(.25, Schedule.named("shifted").times(2)[1], 1e-15);
    }

    @Test
    void invalidNamesStepsAndShiftsAreRejected() {
        String message = assertThrows(IllegalArgumentException.class, () -> Schedule.named("cosine"))
                .getMessage();
        assertTrue(message.contains("cosine") && message.contains("linear_quadratic"), message);
        assertThrows(IllegalArgumentException.class, () -> Schedule.named("shifted:x"));
        String shift = assertThrows(IllegalArgumentException.class, () -> Schedule.named("shifted:-1"))
                .getMessage();
        assertTrue(shift.contains("found -1.0"), shift);
        assertThrows(IllegalArgumentException.class, () -> Schedule.uniform().times(0));
        assertThrows(IllegalArgumentException.class, () -> Schedule.shifted(Double.NaN));
    }
}
