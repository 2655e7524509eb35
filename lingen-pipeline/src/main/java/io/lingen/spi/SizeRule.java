package io.lingen.spi;

/**
 * The sizes that a model makes on one axis: {@code first}, {@code first + step} and so on to {@code last}. For example multiples of 32 up to
 * 512, or 1 + 4k frames up to 81.
 */
public record SizeRule(int first, int step, int last) {
    public SizeRule {
        if (first < 1 || step < 1 || last < first || (last - first) % step != 0) {
            throw new IllegalArgumentException(
                    "sizes go from 1 or more to their last in whole steps, found " + first + ", " + step + ", " + last);
        }
    }

    /** The multiples of a unit. */
    public static SizeRule multiplesOf(int unit, int count) {
        return new SizeRule(unit, unit, Math.multiplyExact(unit, count));
    }

    /** Whether the size is one of them. */
    public boolean allows(long size) {
        return size >= first && size <= last && (size - first) % step == 0;
    }

    /** The largest of them that is not above a size; the first if all are. */
    public int below(double size) {
        double inside = Math.max(first, Math.min(size, last));
        return first + (int) ((inside - first) / step) * step;
    }

    /** The one after {@link #below}; the last has none, and is its own. */
    public int above(double size) {
        return Math.min(below(size) + step, last);
    }

    /** How many of them are before a size that is one of them. */
    public int indexOf(int size) {
        return (size - first) / step;
    }

    /** The size with that many before it. */
    public int at(int index) {
        return first + index * step;
    }

    /** For messages: "a multiple of 32 up to 512", "1 + a multiple of 4 up to 81", "16". */
    @Override
    public String toString() {
        return first == last ? "" + last : offset() + "a multiple of " + step + upTo();
    }

    /** The same in the plural: "multiples of 32 up to 512". */
    public String plural() {
        return first == last ? last + " alone" : offset() + "multiples of " + step + upTo();
    }

    private String offset() {
        return first == step ? "" : first + " + ";
    }

    private String upTo() {
        return " up to " + last;
    }
}
