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
