package io.lingen.core.op;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ScanOrderTest {
    private static final Grid GRID = new Grid(2, 3, 4);

    @Test
    void theLastAxisIsTheFastest() {
        assertArrayEquals(new long[] {0, 1, 2, 3, 4}, first(ScanOrder.of("thw", false), 5));
        assertArrayEquals(new long[] {0, 4, 8, 1, 5}, first(ScanOrder.of("twh", false), 5));
        assertArrayEquals(new long[] {0, 12, 1, 13, 2}, first(ScanOrder.of("hwt", false), 5));
        assertArrayEquals(new long[] {0, 12, 4, 16, 8}, first(ScanOrder.of("wht", false), 5));
        assertArrayEquals(new long[] {0, 1, 2, 3, 7, 6}, first(ScanOrder.of("thw", true), 6));
        assertEquals("hwt~", ScanOrder.of("hwt", true).toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"thw", "twh", "htw", "hwt", "wth", "wht"})
    void everyRowIsVisitedOnce(String axes) {
        for (boolean zigzag : new boolean[] {false, true}) {
            ScanOrder order = ScanOrder.of(axes, zigzag);
            boolean[] visited = new boolean[(int) GRID.cells()];
            for (long step = 0; step < GRID.cells(); step++) {
                visited[(int) order.row(GRID, step)] = true;
                if (zigzag && step > 0) {
                    assertEquals(1, distance(order.row(GRID, step - 1), order.row(GRID, step)), "neighbours");
                }
            }
            for (boolean seen : visited) {
                assertTrue(seen);
            }
        }
    }

    @Test
    void pathsPutThePrefixInFront() {
        Grid prefix = new Grid(1, 2, 2);
        ScanPath forward = new ScanPath(GRID, prefix, ScanOrder.of("hwt", false), false);
        assertEquals(28, forward.steps());
        assertEquals(4, forward.warmUpSteps());
        assertEquals(3, forward.row(3));
        assertEquals(4, forward.row(4));
        assertEquals(16, forward.row(5));
        ScanPath backward = new ScanPath(GRID, prefix, ScanOrder.of("hwt", false), true);
        assertEquals(24, backward.steps());
        assertEquals(0, backward.warmUpSteps());
        for (int step = 0; step < 24; step++) {
            assertEquals(forward.row(27 - step), backward.row(step));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "th", "tht", "thwt", "xyz", "THW"})
    void otherNamesAreRejected(String axes) {
        assertThrows(IllegalArgumentException.class, () -> ScanOrder.of(axes, false));
    }

    private static long[] first(ScanOrder order, int count) {
        long[] rows = new long[count];
        for (int step = 0; step < count; step++) {
            rows[step] = order.row(GRID, step);
        }
        return rows;
    }

    private static long distance(long a, long b) {
        long sum = 0;
        for (int axis = 0; axis < 3; axis++) {
            sum += Math.abs(a / GRID.stride(axis) % GRID.length(axis) - b / GRID.stride(axis) % GRID.length(axis));
        }
        return sum;
    }
}
