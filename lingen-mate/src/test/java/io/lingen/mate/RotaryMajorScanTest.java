package io.lingen.mate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.core.op.ScanOrder;
import io.lingen.core.op.ScanPath;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class RotaryMajorScanTest {
    private static final Grid GRID = new Grid(2, 3, 4);

    @Test
    void layersCycleThroughSpatialAndTemporalOrders() {
        List<String> orders = LongStream.range(0, 6)
                .mapToObj(l -> RotaryMajorScan.DEFAULT.order((int) l).toString())
                .toList();
        assertEquals(List.of("thw", "twh", "hwt", "wht", "thw", "twh"), orders);
    }

    @Test
    void everyOrderIsAPermutation() {
        for (String axes : List.of("thw", "twh", "htw", "hwt", "wth", "wht")) {
            for (boolean zigzag : new boolean[] {false, true}) {
                ScanOrder order = ScanOrder.of(axes, zigzag);
                long[] restored = new long[(int) GRID.cells()];
                Arrays.fill(restored, -1);
                for (long step = 0; step < GRID.cells(); step++) {
                    restored[(int) order.row(GRID, step)] = order.row(GRID, step);
                }
                assertArrayEquals(LongStream.range(0, GRID.cells()).toArray(), restored, order.toString());
            }
        }
    }

    @Test
    void temporalRowWalksTimeFastest() {
        ScanOrder order = ScanOrder.of("hwt", false);
        // (h, w, t) = (0,0,0), (0,0,1), (0,1,0), ...: rows (t * 3 + h) * 4 + w.
        assertArrayEquals(new long[] {0, 12, 1, 13, 2, 14}, rows(order, 6));
    }

    @Test
    void zigzagAlwaysMovesToANeighbour() {
        for (String axes : List.of("thw", "twh", "hwt", "wht")) {
            ScanOrder order = ScanOrder.of(axes, true);
            for (long step = 1; step < GRID.cells(); step++) {
                assertEquals(1, distance(order.row(GRID, step - 1), order.row(GRID, step)), axes + " at step " + step);
            }
        }
    }

    @Test
    void backwardPathOmitsReviewTokens() {
        ScanOrder order = ScanOrder.of("wht", false);
        Grid review = new ReviewTokens(new Dims3(2, 2, 2)).of(GRID);
        ScanPath forward = new ScanPath(GRID, review, order, false);
        ScanPath backward = new ScanPath(GRID, review, order, true);
        assertEquals(new Grid(1, 2, 2), review);
        assertEquals(4 + 24, forward.steps());
        assertEquals(24, backward.steps());
        for (long step = 0; step < 24; step++) {
            assertEquals(forward.row(4 + step), backward.row(23 - step));
        }
        assertArrayEquals(
                new long[] {0, 2, 1, 3},
                LongStream.range(0, 4).map(forward::row).toArray());
    }

    @Test
    void orderMustBeAPermutationOfTheAxes() {
        assertThrows(IllegalArgumentException.class, () -> ScanOrder.of("tth", false));
        assertThrows(IllegalArgumentException.class, () -> ScanOrder.of("th", false));
        assertThrows(IllegalArgumentException.class, () -> new RotaryMajorScan(List.of()));
    }

    private static long[] rows(ScanOrder order, int steps) {
        return LongStream.range(0, steps).map(step -> order.row(GRID, step)).toArray();
    }

    private static long distance(long a, long b) {
        return Math.abs(a / 12 - b / 12) + Math.abs(a / 4 % 3 - b / 4 % 3) + Math.abs(a % 4 - b % 4);
    }
}
