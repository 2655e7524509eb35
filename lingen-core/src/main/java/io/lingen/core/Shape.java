package io.lingen.core;

import java.util.Arrays;

/** The lengths of a tensor's axes, slowest first. Lengths are 64-bit and at least 0; the product fits a {@code long}. Immutable. */
public final class Shape {
    private final long[] lengths;
    private final long elements;

    private Shape(long[] lengths) {
        long product = 1;
        for (long length : lengths) {
            if (length < 0) {
                throw new IllegalArgumentException(
                        "a shape's lengths are at least 0, found " + Arrays.toString(lengths));
            }
            try {
                product = Math.multiplyExact(product, length);
            } catch (ArithmeticException e) {
                throw new IllegalArgumentException(
                        "the number of elements of " + Arrays.toString(lengths) + " does not fit 63 bits", e);
            }
        }
        this.lengths = lengths;
        this.elements = product;
    }

    /**
     * A shape of the given lengths.
     *
     * @throws IllegalArgumentException if a length is negative or the product overflows
     */
    public static Shape of(long... lengths) {
        return new Shape(lengths.clone());
    }

    /** The number of axes. */
    public int rank() {
        return lengths.length;
    }

    /** The length of an axis, 0 being the slowest. */
    public long length(int axis) {
        return lengths[axis];
    }

    /** The length of the last, fastest axis; 1 for a shape without axes. */
    public long last() {
        return lengths.length == 0 ? 1 : lengths[lengths.length - 1];
    }

    /** The product of all lengths but the last: the number of rows when the tensor is read as a matrix. */
    public long rows() {
        long rows = 1;
        for (int axis = 0; axis < lengths.length - 1; axis++) {
            rows *= lengths[axis];
        }
        return rows;
    }

    /** The number of elements. */
    public long elements() {
        return elements;
    }

    /** This shape with another length on the first axis. */
    public Shape withFirst(long length) {
        long[] changed = lengths.clone();
        changed[0] = length;
        return new Shape(changed);
    }

    /** The number of elements of one entry of the first axis; 0 if there is none. */
    public long entryElements() {
        return lengths.length == 0 || lengths[0] == 0 ? 0 : elements / lengths[0];
    }

    /**
     * The shape of the entries {@code from} (inclusive) to {@code to} (exclusive) of the first axis.
     *
     * @throws IllegalArgumentException unless {@code 0 <= from <= to <= length(0)}
     */
    public Shape slice(long from, long to) {
        if (lengths.length == 0 || from < 0 || from > to || to > lengths[0]) {
            throw new IllegalArgumentException("entries " + from + " to " + to + " of " + this);
        }
        return withFirst(to - from);
    }

    /**
     * Another shape for the same elements.
     *
     * @throws IllegalArgumentException if the number of elements differs
     */
    public Shape reshape(Shape other) {
        if (other.elements != elements) {
            throw new IllegalArgumentException("a tensor " + this + " can't be read as " + other);
        }
        return other;
    }

    /** A copy of the lengths. */
    public long[] toArray() {
        return lengths.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Shape && Arrays.equals(lengths, ((Shape) other).lengths);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(lengths);
    }

    @Override
    public String toString() {
        return Arrays.toString(lengths);
    }
}
