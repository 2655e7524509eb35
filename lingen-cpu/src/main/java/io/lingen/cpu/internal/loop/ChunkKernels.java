package io.lingen.cpu.internal.loop;

import io.lingen.core.DType;

/**
 * The elementwise work of a chunked scan (specification, section 3), around its matrix products. Addresses and strides are as in {@link
 * FloatKernels}: strides are in elements, nothing is checked, elements are F32 unless a type is given. Where BF16 is written, it is an operand
 * of a product: values half-way between two numbers are rounded away from 0, except by {@link #addStateOutput}. Thread-safe, and without state.
 */
public interface ChunkKernels {
    /** Elements up to which rows of {@link #intraChunkMatrix} are read and written: their lengths rounded up to a multiple of this. */
    int ROW_MULTIPLE = 16;

    /** The loops that this virtual machine can run. */
    static ChunkKernels best() {
        return FloatKernelsLookup.hasVectors() ? VectorHolder.create() : new ScalarChunkKernels();
    }

    /**
     * plain = x, and scaled = x times the scale of its step and head.
     *
     * @param x [steps, heads, p]
     * @param scales [steps, heads], rows {@code scaleStride} apart
     * @param plain [steps, heads, p], rows {@code stride} apart; likewise {@code scaled}
     */
    void scaleInputs(
            long x,
            int steps,
            int heads,
            int p,
            long scales,
            int scaleStride,
            long plain,
            long scaled,
            int stride,
            DType dtype);

    /**
     * The matrix that turns a chunk's inputs into its outputs, for one head: out_ij = products_ij exp(s_i - s_j) dt_j for j &lt;= i, plus d
     * where j = i. Elements right of the diagonal are left as they are, or set to 0.
     *
     * @param products [steps, steps], C B^T, in rows of {@code stride}
     * @param s [steps], not increasing
     * @param dt [steps]
     * @param factors memory for {@code stride} + {@link #ROW_MULTIPLE} elements
     * @param out [steps, steps], in rows of {@code stride}
     */
    void intraChunkMatrix(
            long products, long s, long dt, float d, int steps, int stride, long factors, long out, DType dtype);

    /**
     * out = state rounded to a type, then state is multiplied by the factor of its head.
     *
     * @param state [n, heads, p]
     * @param factors [heads]
     * @param out [n, heads, p]
     */
    void decay(long state, int n, int heads, int p, long factors, long out, DType dtype);

    /**
     * One row of outputs: out = y + decay cs, or out += y + decay cs, each head with its decay.
     *
     * @param y [heads, p]; likewise {@code cs}
     * @param decays [heads]
     * @param out [heads, p]
     */
    void addStateOutput(long y, long cs, long decays, int heads, int p, boolean accumulate, long out, DType dtype);

    /** Keeps a class that needs the Vector API from being loaded without it. */
    final class VectorHolder {
        private VectorHolder() {}

        private static ChunkKernels create() {
            return new VectorChunkKernels();
        }
    }
}
