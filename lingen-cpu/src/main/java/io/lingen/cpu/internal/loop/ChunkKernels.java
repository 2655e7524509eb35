package io.lingen.cpu.internal.loop;

import io.lingen.core.DType;

/**
 * The elementwise steps of a chunked scan, between its matrix products (specification, section 3). Strides are in elements. Elements are
 * F32 unless a type is given. BF16 outputs are operands of a product and are rounded to the nearest, ties away from 0; {@link
 * #addStateOutput} rounds ties to even. Addresses are not checked. Implementations are thread-safe and stateless.
 */
public interface ChunkKernels {
    /** The alignment of row lengths: {@link #intraChunkMatrix} reads and writes rows up to the next multiple of this many elements. */
    int ROW_MULTIPLE = 16;

    /** {@return the fastest implementation available in this JVM} */
    static ChunkKernels best() {
        return FloatKernelsLookup.hasVectors() ? VectorHolder.create() : new ScalarChunkKernels();
    }

    /**
     * Computes plain = x and scaled = x * scale, with one scale per step and head.
     *
     * @param x [steps, heads, p]
     * @param steps the number of steps
     * @param heads the number of heads
     * @param p the width of a head
     * @param scales [steps, heads]
     * @param scaleStride the distance of the rows of scales
     * @param plain [steps, heads, p] of {@code dtype}
     * @param scaled [steps, heads, p] of {@code dtype}
     * @param stride the distance of the rows of plain and scaled
     * @param dtype F32 or BF16
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
     * Computes the matrix that maps the inputs of a chunk to its outputs, for one head: out_ij = products_ij exp(s_i - s_j) dt_j for j &lt;
     * i, and products_ii dt_i + d on the diagonal. Elements above the diagonal are set to 0 or left unchanged.
     *
     * @param products C B^T, [steps, steps]
     * @param s the cumulative sums of dt A, [steps], not increasing
     * @param dt [steps]
     * @param d the weight of the skip connection
     * @param steps the number of steps
     * @param stride the distance of the rows of products and out
     * @param factors scratch memory for {@code stride} + {@link #ROW_MULTIPLE} elements
     * @param out [steps, steps] of {@code dtype}
     * @param dtype F32 or BF16
     */
    void intraChunkMatrix(
            long products, long s, long dt, float d, int steps, int stride, long factors, long out, DType dtype);

    /**
     * Computes out = state, rounded to a type, and state *= factor, with one factor per head.
     *
     * @param state [n, heads, p], updated in place
     * @param n the size of the state
     * @param heads the number of heads
     * @param p the width of a head
     * @param factors [heads]
     * @param out [n, heads, p] of {@code dtype}
     * @param dtype F32 or BF16
     */
    void decay(long state, int n, int heads, int p, long factors, long out, DType dtype);

    /**
     * Computes one row of outputs, out = y + decay * cs or out += y + decay * cs, with one decay per head.
     *
     * @param y the output of the chunk's own inputs, [heads, p]
     * @param cs C times the state before the chunk, [heads, p]
     * @param decays [heads]
     * @param heads the number of heads
     * @param p the width of a head
     * @param accumulate whether the result is added to out or overwrites it
     * @param out [heads, p] of {@code dtype}
     * @param dtype F32 or BF16
     */
    void addStateOutput(long y, long cs, long decays, int heads, int p, boolean accumulate, long out, DType dtype);

    /** A holder that defers the loading of a class that needs the Vector API. */
    final class VectorHolder {
        private VectorHolder() {}

        private static ChunkKernels create() {
            return new VectorChunkKernels();
        }
    }
}
