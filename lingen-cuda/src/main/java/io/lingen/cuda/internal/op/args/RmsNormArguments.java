package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of the RMS norm of rows or of their heads: the struct RmsNorm of norms.cu. */
public record RmsNormArguments(
        long x,
        long weight,
        long out,
        long vectors,
        long columns,
        boolean xBf16,
        boolean outBf16,
        int heads,
        int d,
        boolean silu,
        float epsilon)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, weight, out, vectors, columns)
                .put(xBf16, outBf16)
                .put(heads, d)
                .put(silu)
                .put(epsilon);
    }
}
