package io.lingen.core.op;

/**
 * The zeros that a convolution reads around a video.
 *
 * @param beforeT the number of frames before the first, at least 0
 * @param afterT the number of frames after the last, at least 0
 * @param beforeH the number of rows above the first, at least 0
 * @param afterH the number of rows below the last, at least 0
 * @param beforeW the number of columns left of the first, at least 0
 * @param afterW the number of columns right of the last, at least 0
 */
public record Padding(int beforeT, int afterT, int beforeH, int afterH, int beforeW, int afterW) {
    /** No zeros on any side. */
    public static final Padding NONE = new Padding(0, 0, 0, 0, 0, 0);

    /**
     * Checks the numbers.
     *
     * @throws IllegalArgumentException if one is below 0
     */
    public Padding {
        if (beforeT < 0 || afterT < 0 || beforeH < 0 || afterH < 0 || beforeW < 0 || afterW < 0) {
            throw new IllegalArgumentException("padding must be at least 0 on every side, found "
                    + text(beforeT, afterT, beforeH, afterH, beforeW, afterW));
        }
    }

    /**
     * {@return the padding with which a convolution of stride 1 keeps the lengths of its input} Both sides of an axis get equally many zeros
     * if the kernel has an odd length, and the end gets one more than the beginning if it has an even length.
     *
     * @param kernel the kernel
     */
    public static Padding same(Dims3 kernel) {
        return new Padding(
                (kernel.t() - 1) / 2,
                kernel.t() / 2,
                (kernel.h() - 1) / 2,
                kernel.h() / 2,
                (kernel.w() - 1) / 2,
                kernel.w() / 2);
    }

    /**
     * {@return the number of zeros at the beginning of an axis}
     *
     * @param axis 0 = t, 1 = h, 2 = w
     */
    public int before(int axis) {
        return axis == 0 ? beforeT : axis == 1 ? beforeH : beforeW;
    }

    /**
     * {@return the number of zeros at the end of an axis}
     *
     * @param axis 0 = t, 1 = h, 2 = w
     */
    public int after(int axis) {
        return axis == 0 ? afterT : axis == 1 ? afterH : afterW;
    }

    /** {@return the zeros before and after each axis, for example "0+0 x 1+1 x 1+1"} */
    @Override
    public String toString() {
        return text(beforeT, afterT, beforeH, afterH, beforeW, afterW);
    }

    private static String text(int beforeT, int afterT, int beforeH, int afterH, int beforeW, int afterW) {
        return beforeT + "+" + afterT + " x " + beforeH + "+" + afterH + " x " + beforeW + "+" + afterW;
    }
}
