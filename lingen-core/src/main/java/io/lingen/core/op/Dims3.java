package io.lingen.core.op;

/**
 * Three lengths along time, height and width: a window, a kernel, a stride, a factor or a compression. A {@link Grid} is an arrangement of
 * tokens or cells.
 *
 * @param t the length along time, at least 1
 * @param h the length along height, at least 1
 * @param w the length along width, at least 1
 */
public record Dims3(int t, int h, int w) {
    /** Length 1 on every axis: the stride of a dense convolution, or the factor that changes nothing. */
    public static final Dims3 ONE = new Dims3(1, 1, 1);

    /**
     * Checks the lengths.
     *
     * @throws IllegalArgumentException if one is below 1
     */
    public Dims3 {
        if (t < 1 || h < 1 || w < 1) {
            throw new IllegalArgumentException(
                    "lengths along t, h and w must be at least 1, found " + t + "x" + h + "x" + w);
        }
    }

    /** {@return the product of the lengths} */
    public long volume() {
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

    /** {@return the lengths as "TxHxW", for example "4x8x8"} */
    @Override
    public String toString() {
        return t + "x" + h + "x" + w;
    }
}
