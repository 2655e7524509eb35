package io.lingen.cpu.internal.dnnl;

import io.lingen.core.DType;

/**
 * The shape of a matrix product C = after(A B + bias), as far as a primitive depends on it. Strides are in elements.
 *
 * @param m the rows of A and C
 * @param k the columns of A, the rows of B
 * @param n the columns of B and C
 * @param aRow the distance of A's rows; likewise of its columns, and so on
 * @param bRow 0, like bColumn, for a B in the layout that the library prefers
 * @param bias whether a bias of n F32 elements is added
 * @param after what happens to the sum before it is stored
 */
record MatmulShape(
        int m,
        int k,
        int n,
        DType a,
        long aRow,
        long aColumn,
        DType b,
        long bRow,
        long bColumn,
        DType c,
        long cRow,
        boolean bias,
        After after) {
    /** What happens to a sum. */
    enum After {
        /** Nothing. */
        NONE,
        /** GELU, in its tanh approximation. */
        GELU,
        /** The sigmoid linear unit. */
        SILU,
        /** It is added to what C holds. */
        ADD,
        /** It is multiplied by n F32 elements, one for each column, and added to what C holds. */
        GATED_ADD;

        /** Whether C is read too. */
        boolean adds() {
            return this == ADD || this == GATED_ADD;
        }
    }

    /** A product x W with a weight in the library's layout; x and C are dense. */
    static MatmulShape packed(int m, int k, int n, DType products, DType c, boolean bias, After after) {
        return new MatmulShape(m, k, n, products, k, 1, products, 0, 0, c, n, bias, after);
    }

    /** Whether B has the layout that the library prefers. */
    boolean isPacked() {
        return bRow == 0 && bColumn == 0;
    }
}
