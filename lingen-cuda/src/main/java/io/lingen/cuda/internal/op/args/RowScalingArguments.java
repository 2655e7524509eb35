package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of the scaling of the rows of a weight: struct RowScaling in elementwise.cu.
 *
 * @param weight the address of the weight
 * @param gate the address of the factors
 * @param bias the address of the bias, or 0 for none
 * @param scaled the address of the scaled weight
 * @param scaledBias the address of the scaled bias
 * @param columns the number of columns
 * @param bf16 whether the weight is BF16
 * @param biasBf16 whether the scaled bias is BF16
 */
public record RowScalingArguments(
        long weight, long gate, long bias, long scaled, long scaledBias, int columns, boolean bf16, boolean biasBf16)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(weight, gate, bias, scaled, scaledBias).put(columns).put(bf16, biasBf16);
    }
}
