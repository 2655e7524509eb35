package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of the attention kernels: the struct Attention of attention.cuh. */
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

    /** One axis of a grid and its windows: the struct Axis. */
    public record Axis(int length, int size, int first, int count) implements KernelArguments {
        @Override
        public void layOut(StructWriter struct) {
            struct.put(length, size, first, count);
        }

        /** An axis without windows. */
        public static final Axis NONE = new Axis(0, 0, 0, 0);
    }
}
