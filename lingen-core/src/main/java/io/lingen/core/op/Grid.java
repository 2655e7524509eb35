package io.lingen.core.op;

/**
 * The lengths of a 3-D arrangement of tokens or cells. Token (t, h, w) is row {@code (t * height + h) * width + w} of its matrix.
 *
 * @param t frames, at least 1
 * @param h rows, at least 1
 * @param w columns, at least 1
 */
public record Grid(int t, int h, int w) {
    public Grid {
        if (t < 1 || h < 1 || w < 1) {
            throw new IllegalArgumentException("a grid's lengths are at least 1, found " + t + "x" + h + "x" + w);
        }
    }

    /** The number of cells. */
    public long cells() {
        return (long) t * h * w;
    }

    /** The length of axis 0 = t, 1 = h, 2 = w. */
    public int length(int axis) {
        return axis == 0 ? t : axis == 1 ? h : w;
    }

    /** The distance, in rows, between neighbours on an axis. */
    public long stride(int axis) {
        return axis == 0 ? (long) h * w : axis == 1 ? w : 1;
    }

    /** The grid of cells of the given size that covers this one; the last cell of an axis may be smaller. */
    public Grid dividedBy(Grid cell) {
        return new Grid(Math.ceilDiv(t, cell.t), Math.ceilDiv(h, cell.h), Math.ceilDiv(w, cell.w));
    }

    @Override
    public String toString() {
        return t + "x" + h + "x" + w;
    }
}
