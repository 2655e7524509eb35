package io.lingen.spi;

/**
 * The allowed sizes on one axis of a video: {@code first}, {@code first + step}, ..., {@code last}. Examples are the multiples of 32 up to
 * 512, and the numbers 1 + 4k up to 81.
 *
 * @param first the smallest size, at least 1
 * @param step the difference between consecutive sizes, at least 1
 * @param last the largest size
 */
public record SizeRule(int first, int step, int last) {
    /**
     * Checks the sizes.
     *
     * @throws IllegalArgumentException unless {@code first} and {@code step} are positive and whole steps lead from {@code first} to
     *     {@code last}
     */
    public SizeRule {
        if (first < 1 || step < 1 || last < first || (last - first) % step != 0) {
            throw new IllegalArgumentException("sizes must lead from a positive first to a last size in whole positive"
                    + " steps, found first " + first + ", step " + step + ", last " + last);
        }
    }

    /**
     * {@return the first multiples of a unit}
     *
     * @param unit the unit, at least 1
     * @param count the number of multiples, at least 1
     * @throws IllegalArgumentException if an argument is not positive
     * @throws ArithmeticException if the largest multiple exceeds the range of {@code int}
     */
    public static SizeRule multiplesOf(int unit, int count) {
        return new SizeRule(unit, unit, Math.multiplyExact(unit, count));
    }

    /**
     * {@return whether a size is allowed}
     *
     * @param size any number
     */
    public boolean allows(long size) {
        return size >= first && size <= last && (size - first) % step == 0;
    }

    /**
     * {@return the largest allowed size up to a given size, or the smallest allowed size if there is none}
     *
     * @param size any number
     */
    public int below(double size) {
        double inside = Math.max(first, Math.min(size, last));
        return first + (int) ((inside - first) / step) * step;
    }

    /**
     * {@return the allowed size that follows {@link #below}, or the largest allowed size if none follows}
     *
     * @param size any number
     */
    public int above(double size) {
        return Math.min(below(size) + step, last);
    }

    /**
     * {@return the index of an allowed size, from 0}
     *
     * @param size an allowed size
     */
    public int indexOf(int size) {
        return (size - first) / step;
    }

    /**
     * {@return the allowed size with an index}
     *
     * @param index the index, from 0
     */
    public int at(int index) {
        return first + index * step;
    }

    /** {@return the rule for messages, for example "a multiple of 32 up to 512", "1 + a multiple of 4 up to 81", "1 or 16" or "16"} */
    @Override
    public String toString() {
        if (last - first == step && first != step) {
            return first + " or " + last;
        }
        return first == last
                ? "" + last
                : (first == step ? "" : first + " + ") + "a multiple of " + step + " up to " + last;
    }
}
