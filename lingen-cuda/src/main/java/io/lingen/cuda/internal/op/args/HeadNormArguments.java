package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of the norm of heads: the struct HeadNorm of norms.cu. */
public record HeadNormArguments(
        long x, long weight, long vectors, long columns, boolean xBf16, int heads, int headDim, float epsilon)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, weight, vectors, columns).put(xBf16).put(heads, headDim).put(epsilon);
    }
}
