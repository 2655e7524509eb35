package io.lingen.core.op;

/**
 * The partition of a grid into the windows of temporal Swin attention (specification, section 4). Each axis of length n is cut at {0, s, s
 * + w, s + 2w, ..., n}, where s = w / 2 rounded down in shifted layers and s = w in others. Windows at a border are smaller. An axis that
 * is not longer than its window is one window and is not shifted.
 *
 * @param size the lengths of a window
 * @param shifted whether the cuts are shifted by half a window
 */
public record Windows(Dims3 size, boolean shifted) {
    /**
     * {@return the cuts of an axis, strictly increasing from 0 to its length}
     *
     * @param grid the grid of tokens
     * @param axis 0 = t, 1 = h, 2 = w
     */
    public int[] cuts(Grid grid, int axis) {
        int n = grid.length(axis);
        int w = size.length(axis);
        if (n <= w) {
            return new int[] {0, n};
        }
        // Half of a window of length 1 is 0, so it is not shifted.
        int first = shifted && w > 1 ? w / 2 : w;
        int count = 2 + Math.ceilDiv(n - first, w);
        int[] cuts = new int[count];
        for (int i = 1; i < count; i++) {
            cuts[i] = Math.min(n, first + (i - 1) * w);
        }
        return cuts;
    }

    /** {@return the number of relative positions of two tokens of a window: (2t - 1)(2h - 1)(2w - 1)} */
    public long offsets() {
        return (2L * size.t() - 1) * (2L * size.h() - 1) * (2L * size.w() - 1);
    }
}
