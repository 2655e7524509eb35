package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/** Arguments of the scaling of a weight's rows: the struct RowScaling of elementwise.cu. */
public record RowScalingArguments(
        long weight, long gate, long bias, long scaled, long scaledBias, int columns, boolean bf16, boolean biasBf16)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(weight, gate, bias, scaled, scaledBias).put(columns).put(bf16, biasBf16);
    }
}
