package io.lingen.cpu.internal.dnnl;

import io.lingen.core.DType;

/**
 * The shape of a matrix product C = after(A B + bias), the key of its primitive. Distances are in elements.
 *
 * @param m the number of rows of A and C
 * @param k the number of columns of A and rows of B
 * @param n the number of columns of B and C
 * @param a the type of A
 * @param aRow the distance of the rows of A
 * @param aColumn the distance of the columns of A
 * @param b the type of B
 * @param bRow the distance of the rows of B, or 0 for the layout that oneDNN prefers
 * @param bColumn the distance of the columns of B, or 0 for the layout that oneDNN prefers
 * @param c the type of C
 * @param cRow the distance of the rows of C
 * @param bias whether a bias of n F32 elements is added
 * @param after the function applied to the sum
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
    /** The function applied to a sum y. */
    enum After {
        /** C = y */
        NONE,
        /** C = GELU(y), in its tanh approximation. */
        GELU,
        /** C = SiLU(y) */
        SILU,
        /** C += y */
        ADD,
        /** C += gate * y, with n F32 elements of the gate. */
        GATED_ADD;

        /** Returns whether C is also read. */
        boolean adds() {
            return this == ADD || this == GATED_ADD;
        }
    }

    /** Returns the shape of a product with dense A and C and with packed B. */
    static MatmulShape packed(int m, int k, int n, DType operands, DType c, boolean bias, After after) {
        return new MatmulShape(m, k, n, operands, k, 1, operands, 0, 0, c, n, bias, after);
    }

    /** Returns whether B has the layout that oneDNN prefers. */
    boolean isPacked() {
        return bRow == 0 && bColumn == 0;
    }
}
