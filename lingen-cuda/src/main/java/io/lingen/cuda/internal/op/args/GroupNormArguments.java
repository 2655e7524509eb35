package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of the three steps of the group norm: the struct GroupNorm of norms.cu. */
public record GroupNormArguments(
        long x,
        long weight,
        long bias,
        long parts,
        long groupsOfFrames,
        long out,
        long cells,
        boolean xBf16,
        boolean outBf16,
        int channels,
        int groups,
        int chunk,
        int chunks,
        boolean silu,
        float epsilon)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(x, weight, bias, parts, groupsOfFrames, out, cells)
                .put(xBf16, outBf16)
                .put(channels, groups, chunk, chunks)
                .put(silu)
                .put(epsilon);
    }
}
