package io.lingen.core;

import java.util.Arrays;

/** The lengths of a tensor's axes, slowest first. Lengths are 64-bit and at least 0; their product fits a {@code long}. Immutable. */
public final class Shape {
    private final long[] lengths;
    private final long elements;

    private Shape(long[] lengths) {
        long product = 1;
        for (long length : lengths) {
            if (length < 0) {
                throw new IllegalArgumentException(
                        "lengths of a shape must be at least 0, found " + Arrays.toString(lengths));
            }
            try {
                product = Math.multiplyExact(product, length);
            } catch (ArithmeticException e) {
                throw new IllegalArgumentException(
                        "number of elements must fit 63 bits, found a shape " + Arrays.toString(lengths), e);
            }
        }
        this.lengths = lengths;
        this.elements = product;
    }

    /**
     * {@return a shape of the given lengths}
     *
     * @param lengths slowest first; copied
     * @throws IllegalArgumentException if a length is negative or the product overflows
     */
    public static Shape of(long... lengths) {
        return new Shape(lengths.clone());
    }

    /** {@return the number of axes} */
    public int rank() {
        return lengths.length;
    }

    /**
     * {@return the length of an axis}
     *
     * @param axis from 0, the slowest
     */
    public long length(int axis) {
        return lengths[axis];
    }

    /** {@return the length of the last, fastest axis; 1 for a shape without axes} */
    public long last() {
        return lengths.length == 0 ? 1 : lengths[lengths.length - 1];
    }

    /** {@return the product of all lengths but the last: the number of rows of the tensor as a matrix} */
    public long rows() {
        long rows = 1;
        for (int axis = 0; axis < lengths.length - 1; axis++) {
            rows *= lengths[axis];
        }
        return rows;
    }

    /** {@return the number of elements} */
    public long elements() {
        return elements;
    }

    /**
     * {@return this shape with another length of the first axis}
     *
     * @param length of the first axis, at least 0
     */
    public Shape withFirst(long length) {
        long[] changed = lengths.clone();
        changed[0] = length;
        return new Shape(changed);
    }

    /** {@return the number of elements of one entry of the first axis; 0 if there is no entry} */
    public long entryElements() {
        return lengths.length == 0 || lengths[0] == 0 ? 0 : elements / lengths[0];
    }

    /**
     * {@return the shape of a range of the first axis}
     *
     * @param from the first entry
     * @param to the entry after the last
     * @throws IllegalArgumentException unless {@code 0 <= from <= to <= length(0)}
     */
    public Shape slice(long from, long to) {
        if (lengths.length == 0 || from < 0 || from > to || to > lengths[0]) {
            throw new IllegalArgumentException(
                    "slice of " + this + " must satisfy 0 <= from <= to <= length(0), found " + from + " to " + to);
        }
        return withFirst(to - from);
    }

    /**
     * {@return the other shape, after a check that it has as many elements}
     *
     * @param other the other shape
     * @throws IllegalArgumentException if the number of elements differs
     */
    public Shape reshape(Shape other) {
        if (other.elements != elements) {
            throw new IllegalArgumentException(
                    "reshaped tensor must keep the " + elements + " elements of " + this + ", found " + other);
        }
        return other;
    }

    /** {@return a copy of the lengths} */
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
