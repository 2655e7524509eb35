package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of the attention kernels: struct Attention in attention.cuh.
 *
 * @param q the address of the queries
 * @param k the address of the keys
 * @param v the address of the values
 * @param weights the address of the weights of the keys, [keys] in F32, or 0 for none
 * @param bias the address of the bias, [heads, offsets] in F32, or 0 for none
 * @param out the address of the output
 * @param qColumns the number of columns of the matrix of queries
 * @param kColumns the number of columns of the matrix of keys
 * @param vColumns the number of columns of the matrix of values
 * @param qBf16 whether the queries are BF16
 * @param kBf16 whether the keys are BF16
 * @param vBf16 whether the values are BF16
 * @param outBf16 whether the output is BF16
 * @param heads the number of heads
 * @param headDim the head dimension
 * @param queries the largest number of queries of a window
 * @param keys the number of keys
 * @param windows whether attention is within windows
 * @param tiles the number of tiles of queries per window
 * @param scale the factor of the scores
 * @param t the windows along time
 * @param h the windows along height
 * @param w the windows along width
 */
public record AttentionArguments(
        long q,
        long k,
        long v,
        long weights,
        long bias,
        long out,
        long qColumns,
        long kColumns,
        long vColumns,
        boolean qBf16,
        boolean kBf16,
        boolean vBf16,
        boolean outBf16,
        int heads,
        int headDim,
        int queries,
        int keys,
        boolean windows,
        int tiles,
        float scale,
        Axis t,
        Axis h,
        Axis w)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(q, k, v, weights, bias, out, qColumns, kColumns, vColumns)
                .put(qBf16, kBf16, vBf16, outBf16)
                .put(heads, headDim, queries, keys)
                .put(windows)
                .put(tiles)
                .put(scale)
                .put(t)
                .put(h)
                .put(w);
    }

    /**
     * An axis of a grid and its windows: struct Axis.
     *
     * @param length the length of the grid
     * @param size the length of a window
     * @param first the start of the second window
     * @param count the number of windows
     */
    public record Axis(int length, int size, int first, int count) implements KernelArguments {
        @Override
        public void layOut(StructWriter struct) {
            struct.put(length, size, first, count);
        }

        /** An axis without windows. */
        public static final Axis NONE = new Axis(0, 0, 0, 0);
    }
}
