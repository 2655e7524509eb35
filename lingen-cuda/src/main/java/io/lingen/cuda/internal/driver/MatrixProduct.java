package io.lingen.cuda.internal.driver;

/**
 * out = x W^T + bias, or out += it, then GELU if asked: what cuBLASLt does in one call. All addresses are the device's.
 *
 * @param x [rows, in], of the weight's type
 * @param weight [out, in]
 * @param bias [out] of the output's type, or 0
 * @param out [rows, out]
 * @param bf16 whether x and weight are BF16, else F32
 * @param outBf16 whether out and bias are BF16, else F32
 */
public record MatrixProduct(
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
    /** The same product of other operands: what a choice of algorithm may depend on. */
    Key key() {
        return new Key(rows, in, outFeatures, bf16, outBf16, adds, gelu, bias != 0, alignment(x | weight | bias | out));
    }

    /** What a choice of algorithm depends on. */
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
