package io.lingen.core.op;

import java.util.Locale;

/**
 * The order in which a scan visits a grid: three axes, slowest first. A zigzag order (boustrophedon) walks every second line and plane
 * backwards, so consecutive tokens are neighbors.
 *
 * @param slow the slowest axis, 0 = t, 1 = h, 2 = w
 * @param middle the middle axis
 * @param fast the fastest axis
 * @param zigzag whether every second line and plane is walked backwards
 */
public record ScanOrder(int slow, int middle, int fast, boolean zigzag) {
    /**
     * Checks the axes.
     *
     * @throws IllegalArgumentException if they are not a permutation of 0, 1 and 2
     */
    public ScanOrder {
        if (((1 << slow) | (1 << middle) | (1 << fast)) != 0b111) {
            throw new IllegalArgumentException(
                    "scan order must be a permutation of the axes 0 (t), 1 (h) and 2 (w), found " + slow + ", " + middle
                            + ", " + fast);
        }
    }

    /**
     * {@return the order named by its axes}
     *
     * @param axes slowest first, for example "thw" or "wht"
     * @param zigzag whether every second line and plane is walked backwards
     * @throws IllegalArgumentException if the name is not a permutation of t, h and w
     */
    public static ScanOrder of(String axes, boolean zigzag) {
        String known = "thw";
        if (axes.length() != 3 || known.chars().anyMatch(axis -> axes.indexOf(axis) < 0)) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "scan order must be a permutation of \"thw\", for example \"hwt\", found \"%s\"",
                    axes));
        }
        return new ScanOrder(
                known.indexOf(axes.charAt(0)), known.indexOf(axes.charAt(1)), known.indexOf(axes.charAt(2)), zigzag);
    }

    /**
     * {@return the matrix row of the token that a step visits}
     *
     * @param grid the grid of tokens
     * @param step from 0 to {@code grid.cells()}, exclusive
     */
    public long row(Grid grid, long step) {
        int fastLength = grid.length(fast);
        int middleLength = grid.length(middle);
        int c = (int) (step % fastLength);
        long line = step / fastLength;
        int b = (int) (line % middleLength);
        int a = (int) (line / middleLength);
        if (zigzag) {
            if ((line & 1) == 1) {
                c = fastLength - 1 - c;
            }
            if ((a & 1) == 1) {
                b = middleLength - 1 - b;
            }
        }
        return a * grid.stride(slow) + b * grid.stride(middle) + c * grid.stride(fast);
    }

    /** {@return the letters of the axes, for example "hwt"; zigzag orders end in "~"} */
    @Override
    public String toString() {
        return "" + "thw".charAt(slow) + "thw".charAt(middle) + "thw".charAt(fast) + (zigzag ? "~" : "");
    }
}
