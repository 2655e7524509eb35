package io.lingen.cpu.internal.span;

import io.lingen.core.DType;

/**
 * The elementwise work of a chunked scan (specification, section 3), between its matrix products. Addresses and strides are as in {@link
 * Spans}: strides are in elements, nothing is checked, F32 unless a type is given. Rows may be read up to the next multiple of 16
 * elements. Thread-safe, and without state.
 */
public interface ScanSpans {
    /** The loops that this virtual machine can run. */
    static ScanSpans best() {
        return SpansLookup.hasVectors() ? VectorHolder.create() : new ScalarScanSpans();
    }

    /**
     * The matrix that turns a state and a chunk's inputs into its outputs, for one head: row i is [exp(s_i) C_i, M_i] with
     * M_ij = (C_i B_j) exp(s_i - s_j) dt_j for j &lt;= i, plus d where j = i. Elements right of the diagonal are left as they are, which
     * must be 0; up to the next multiple of 16 they are set to 0.
     *
     * @param c [steps, n] of the type of {@code out}
     * @param products [steps, steps], C B^T
     * @param s [steps], the cumulative sums of dt A; likewise {@code decay} = exp(s), every {@code decayStride}-th element, and dt
     * @param out [steps, n + steps]
     */
    void mix(
            long c,
            int cStride,
            int n,
            long products,
            int productStride,
            long s,
            long decay,
            int decayStride,
            long dt,
            float d,
            int steps,
            long out,
            int outStride,
            DType dtype);

    /**
     * plain = x and weighted = x times the weight of its step and head, both rounded to a type.
     *
     * @param x [steps, heads, p]
     * @param weights [steps, heads], rows {@code weightStride} apart
     * @param plain [steps, heads, p], rows {@code plainStride} apart; likewise {@code weighted}, dense
     */
    void weigh(
            long x,
            int steps,
            int heads,
            int p,
            long weights,
            int weightStride,
            long plain,
            int plainStride,
            long weighted,
            DType dtype);

    /**
     * out = state rounded to a type, then state is multiplied by the factor of its head.
     *
     * @param state [n, heads, p]
     * @param factors [heads]
     * @param out [n, heads, p], rows {@code outStride} apart
     */
    void decay(long state, int n, int heads, int p, long factors, long out, int outStride, DType dtype);

    /** Keeps a class that needs the Vector API from being loaded without it. */
    final class VectorHolder {
        private VectorHolder() {}

        private static ScanSpans create() {
            return new VectorScanSpans();
        }
    }
}
