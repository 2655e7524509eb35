package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of the kernels of the group norm: struct GroupNorm in norms.cu.
 *
 * @param x the address of the input
 * @param weight the address of the weight
 * @param bias the address of the bias, or 0 for none
 * @param parts the address of the statistics of channels in chunks, [frames, chunks, channels, 2]
 * @param groupsOfFrames the address of the statistics of groups, [frames, groups, 2]
 * @param out the address of the output
 * @param cells the number of cells of a frame
 * @param xBf16 whether the input is BF16
 * @param outBf16 whether the output is BF16
 * @param channels the number of channels
 * @param groups the number of groups
 * @param chunk the number of cells of a chunk
 * @param chunks the number of chunks of a frame
 * @param silu whether SiLU is applied to the result
 * @param epsilon the number added to the variance
 */
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
