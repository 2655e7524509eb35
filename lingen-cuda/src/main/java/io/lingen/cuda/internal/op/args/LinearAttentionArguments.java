package io.lingen.cuda.internal.op.args;

import io.lingen.cuda.internal.driver.KernelArguments;
import io.lingen.cuda.internal.driver.StructWriter;

/**
 * The arguments of linear attention: struct LinearAttention in linear_attention.cu.
 *
 * @param q the address of the first head of the queries
 * @param k the address of the first head of the keys
 * @param v the address of the first head of the values
 * @param states the address of the states and sums of keys of all ranges
 * @param out the address of the output
 * @param tokens the number of tokens
 * @param qColumns the distance of the rows of the queries in elements
 * @param kColumns the distance of the rows of the keys in elements
 * @param vColumns the distance of the rows of the values in elements
 * @param qBf16 whether the queries are BF16
 * @param kBf16 whether the keys are BF16
 * @param vBf16 whether the values are BF16
 * @param outBf16 whether the output is BF16
 * @param heads the number of heads
 * @param range the number of tokens of a range
 * @param ranges the number of ranges
 * @param angles the cosines and sines
 */
public record LinearAttentionArguments(
        long q,
        long k,
        long v,
        long states,
        long out,
        long tokens,
        long qColumns,
        long kColumns,
        long vColumns,
        boolean qBf16,
        boolean kBf16,
        boolean vBf16,
        boolean outBf16,
        int heads,
        int range,
        int ranges,
        AnglesArguments angles)
        implements KernelArguments {
    @Override
    public void layOut(StructWriter struct) {
        struct.put(q, k, v, states, out, tokens, qColumns, kColumns, vColumns)
                .put(qBf16, kBf16, vBf16, outBf16)
                .put(heads, range, ranges)
                .put(angles);
    }
}
