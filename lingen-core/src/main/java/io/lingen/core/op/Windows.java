package io.lingen.core.op;

/**
 * How temporal Swin attention cuts a grid into windows (specification, section 4): each axis is cut at {0, s, s + w, s + 2w, ..., n} with
 * s = w / 2 rounded down in shifted layers, else s = w. Windows at a border are simply smaller. An axis not longer than its window is one
 * cell and is not shifted.
 *
 * @param size the window's lengths
 * @param shifted whether the cuts are shifted by half a window
 */
public record Windows(Grid size, boolean shifted) {
    /** The cuts of an axis, from 0 to its length, strictly increasing. */
    public int[] cuts(Grid grid, int axis) {
        int n = grid.length(axis);
        int w = size.length(axis);
        if (n <= w) {
            return new int[] {0, n};
        }
        // A window of length 1 has no half: shifting it changes nothing.
        int first = shifted && w > 1 ? w / 2 : w;
        int count = 2 + Math.ceilDiv(n - first, w);
        int[] cuts = new int[count];
        for (int i = 1; i < count; i++) {
            cuts[i] = Math.min(n, first + (i - 1) * w);
        }
        return cuts;
    }
}
