package io.lingen.cuda.internal.driver;

/**
 * A GEMM that cuBLASLt computes in one call: out = x W^T + bias, optionally with GELU or added to the output. Operands are device
 * addresses.
 *
 * @param x [rows, in]
 * @param weight [outFeatures, in]
 * @param bias [outFeatures], or 0 for none
 * @param out [rows, outFeatures]
 * @param rows the number of rows
 * @param in the number of input features
 * @param outFeatures the number of output features
 * @param bf16 whether x and weight are BF16; if not, they are F32
 * @param outBf16 whether out and bias are BF16; if not, they are F32
 * @param adds whether the result is added to out
 * @param gelu whether GELU is applied to the result
 */
public record CublasGemm(
        long x,
        long weight,
        long bias,
        long out,
        long rows,
        long in,
        long outFeatures,
        boolean bf16,
        boolean outBf16,
        boolean adds,
        boolean gelu) {
    /** Returns the properties that the choice of an algorithm depends on. */
    Key key() {
        return new Key(rows, in, outFeatures, bf16, outBf16, adds, gelu, bias != 0, alignment(x | weight | bias | out));
    }

    /** The properties that the choice of an algorithm depends on. */
    record Key(
            long rows,
            long in,
            long outFeatures,
            boolean bf16,
            boolean outBf16,
            boolean adds,
            boolean gelu,
            boolean bias,
            int alignment) {}

    private static int alignment(long addresses) {
        return addresses == 0 ? 256 : (int) Math.min(256, Long.lowestOneBit(addresses));
    }
}
