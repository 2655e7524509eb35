package io.lingen.core.op;

/**
 * The sizes of a Mamba2 selective scan.
 *
 * @param innerWidth di, the width of x: heads times head dimension
 * @param stateSize n, the state's width per head
 * @param groups G; head h uses the B and C of group h / (heads / G)
 * @param headDim P, the width of a head
 * @param convWidth the number of taps of the causal convolution, at least 1
 * @param chunkSize Q, tokens per chunk of the chunked form; never changes the result beyond rounding
 */
public record ScanSpec(int innerWidth, int stateSize, int groups, int headDim, int convWidth, int chunkSize) {
    public ScanSpec {
        if (innerWidth < 1 || stateSize < 1 || groups < 1 || headDim < 1 || convWidth < 1 || chunkSize < 1) {
            throw new IllegalArgumentException("the sizes of a scan are at least 1, found inner width " + innerWidth
                    + ", state " + stateSize + ", groups " + groups + ", head " + headDim + ", convolution " + convWidth
                    + ", chunk " + chunkSize);
        }
        if (innerWidth % headDim != 0 || innerWidth / headDim % groups != 0) {
            throw new IllegalArgumentException("the inner width " + innerWidth + " is a multiple of the head dimension "
                    + headDim + ", and their quotient one of the groups " + groups);
        }
    }

    /** H, the number of heads. */
    public int heads() {
        return innerWidth / headDim;
    }

    /** The channels of the convolution: x, B and C. */
    public int channels() {
        return innerWidth + 2 * groups * stateSize;
    }

    /** The width of B, and of C. */
    public int groupWidth() {
        return groups * stateSize;
    }
}
