package io.lingen.core.op;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lingen.core.Shape;
import org.junit.jupiter.api.Test;

final class GridTest {
    @Test
    void windowsAreCutAsSpecified() {
        Dims3 size = new Dims3(16, 4, 4);
        Grid grid = new Grid(34, 32, 3);
        Windows plain = new Windows(size, false);
        Windows shifted = new Windows(size, true);
        assertArrayEquals(new int[] {0, 16, 32, 34}, plain.cuts(grid, 0));
        assertArrayEquals(new int[] {0, 8, 24, 34}, shifted.cuts(grid, 0));
        assertArrayEquals(new int[] {0, 2, 6, 10, 14, 18, 22, 26, 30, 32}, shifted.cuts(grid, 1));
        assertArrayEquals(new int[] {0, 3}, shifted.cuts(grid, 2), "not longer than the window: one cell");
        assertArrayEquals(new int[] {0, 16}, shifted.cuts(new Grid(16, 1, 1), 0));
        assertArrayEquals(new int[] {0, 1, 4, 5}, new Windows(new Dims3(3, 1, 1), true).cuts(new Grid(5, 1, 1), 0));
        assertArrayEquals(new int[] {0, 1, 2}, new Windows(new Dims3(1, 1, 1), true).cuts(new Grid(2, 1, 1), 0));
        assertEquals(31 * 7 * 7, plain.offsets());
    }

    @Test
    void patchesDivideAVideoIntoAGrid() {
        PatchSize patch = new PatchSize(1, 2, 2);
        assertEquals(new Grid(34, 32, 32), patch.gridOf(Shape.of(16, 34, 64, 64)));
        assertEquals(Shape.of(16, 34, 64, 64), patch.videoOf(16, new Grid(34, 32, 32)));
        assertThrows(IllegalArgumentException.class, () -> patch.gridOf(Shape.of(16, 34, 63, 64)));
        assertThrows(IllegalArgumentException.class, () -> patch.gridOf(Shape.of(34, 64, 64)));
        assertThrows(IllegalArgumentException.class, () -> new PatchSize(0, 1, 1));
    }

    @Test
    void gridsAreDividedRoundingUp() {
        Grid grid = new Grid(5, 4, 3);
        assertEquals(new Grid(3, 2, 2), grid.dividedBy(new Dims3(2, 2, 2)));
        assertEquals(60, grid.cells());
        assertEquals(12, grid.stride(0));
        assertEquals("5x4x3", grid.toString());
        assertThrows(IllegalArgumentException.class, () -> new Grid(1, 0, 1));
    }

    @Test
    void dimsHaveALengthPerAxis() {
        Dims3 dims = new Dims3(4, 8, 2);
        assertEquals(4, dims.length(0));
        assertEquals(8, dims.length(1));
        assertEquals(2, dims.length(2));
        assertEquals(64, dims.volume());
        assertEquals("4x8x2", dims.toString());
        IllegalArgumentException refusal = assertThrows(IllegalArgumentException.class, () -> new Dims3(1, 2, 0));
        assertEquals("lengths along t, h and w must be at least 1, found 1x2x0", refusal.getMessage());
    }

    @Test
    void scanSizesMustBeMultiples() {
        ScanSpec spec = new ScanSpec(24, 5, 3, 4, 4, 16);
        assertEquals(6, spec.heads());
        assertEquals(15, spec.groupWidth());
        assertEquals(54, spec.channels());
        assertThrows(IllegalArgumentException.class, () -> new ScanSpec(24, 5, 1, 5, 4, 16));
        assertThrows(IllegalArgumentException.class, () -> new ScanSpec(24, 5, 4, 4, 4, 16));
        assertThrows(IllegalArgumentException.class, () -> new ScanSpec(24, 5, 1, 4, 0, 16));
    }
}
