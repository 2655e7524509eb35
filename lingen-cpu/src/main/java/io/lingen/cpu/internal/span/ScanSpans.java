package io.lingen.cpu.internal.span;

import io.lingen.core.DType;

/**
 * The elementwise work of a chunked scan (specification, section 3), around its matrix products. Addresses and strides are as in {@link
 * Spans}: strides are in elements, nothing is checked, elements are F32 unless a type is given. Where BF16 is written, it is an operand
 * of a product: values half-way between two numbers are rounded away from 0, except by {@link #finish}. Thread-safe, and without state.
 */
public interface ScanSpans {
    /** Elements up to which rows of {@link #mix} are read and written: their lengths rounded up to a multiple of this. */
    int ROW_MULTIPLE = 16;

    /** The loops that this virtual machine can run. */
    static ScanSpans best() {
        return SpansLookup.hasVectors() ? VectorHolder.create() : new ScalarScanSpans();
    }

    /**
     * SiLU of a causal depthwise convolution over rows that lie anywhere, as it is and scaled.
     *
     * @param rows the addresses of taps - 1 + steps rows, 8 bytes each; the first taps - 1 are the past
     * @param offset the bytes from a row's address to the first of its heads * p channels
     * @param source the rows' type
     * @param weight [taps, channels], rows {@code weightStride} apart; the last tap is the current row's
     * @param bias [channels]
     * @param scales [steps, heads], rows {@code scaleStride} apart; 0 if nothing is to be scaled
     * @param plain [steps, channels], rows {@code plainStride} apart
     * @param scaled [steps, channels], dense
     * @param target the type of {@code plain} and {@code scaled}
     */
    void convolve(
            long rows,
            int steps,
            int taps,
            long offset,
            DType source,
            int heads,
            int p,
            long weight,
            int weightStride,
            long bias,
            long scales,
            int scaleStride,
            long plain,
            int plainStride,
            long scaled,
            DType target);

    /**
     * The matrix that turns a chunk's inputs into its outputs, for one head: out_ij = products_ij exp(s_i - s_j) dt_j for j &lt;= i, plus d
     * where j = i. Elements right of the diagonal are left as they are, or set to 0.
     *
     * @param products [steps, steps], C B^T, in rows of {@code stride}
     * @param s [steps], not increasing
     * @param dt [steps]
     * @param factors memory for as many elements as {@code s} has
     * @param out [steps, steps], in rows of {@code stride}
     */
    void mix(long products, long s, long dt, float d, int steps, int stride, long factors, long out, DType dtype);

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
    void finish(long y, long cs, long decays, int heads, int p, boolean accumulate, long out, DType dtype);

    /** Keeps a class that needs the Vector API from being loaded without it. */
    final class VectorHolder {
        private VectorHolder() {}

        private static ScanSpans create() {
            return new VectorScanSpans();
        }
    }
}
