package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of the norms of whole rows: the struct RowNorm of norms.cu. */
public record RowNormArguments(
        long x,
        long z,
        long scale,
        long shift,
        long out,
        long rows,
        boolean xBf16,
        boolean zBf16,
        boolean outBf16,
        int d,
        float epsilon)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, z, scale, shift, out, rows)
                .put(xBf16, zBf16, outBf16)
                .put(d)
                .put(epsilon);
    }
}
