package io.lingen.core.op;

/**
 * The lengths of a 3-D arrangement of tokens or cells. Token (t, h, w) is row {@code (t * h() + h) * w() + w} of its matrix.
 *
 * @param t the number of frames, at least 1
 * @param h the number of rows, at least 1
 * @param w the number of columns, at least 1
 */
public record Grid(int t, int h, int w) {
    /**
     * Checks the lengths.
     *
     * @throws IllegalArgumentException if one is below 1
     */
    public Grid {
        if (t < 1 || h < 1 || w < 1) {
            throw new IllegalArgumentException("lengths of a grid must be at least 1, found " + t + "x" + h + "x" + w);
        }
    }

    /** {@return the number of cells} */
    public long cells() {
        return (long) t * h * w;
    }

    /**
     * {@return the length of an axis}
     *
     * @param axis 0 = t, 1 = h, 2 = w
     */
    public int length(int axis) {
        return axis == 0 ? t : axis == 1 ? h : w;
    }

    /**
     * {@return the distance, in matrix rows, between neighbors on an axis}
     *
     * @param axis 0 = t, 1 = h, 2 = w
     */
    public long stride(int axis) {
        return axis == 0 ? (long) h * w : axis == 1 ? w : 1;
    }

    /**
     * {@return the grid of blocks that covers this grid} Blocks at the end of an axis may be smaller.
     *
     * @param block the lengths of a block
     */
    public Grid dividedBy(Dims3 block) {
        return new Grid(Math.ceilDiv(t, block.t()), Math.ceilDiv(h, block.h()), Math.ceilDiv(w, block.w()));
    }

    /** {@return the lengths as "TxHxW", for example "34x32x32"} */
    @Override
    public String toString() {
        return t + "x" + h + "x" + w;
    }
}
