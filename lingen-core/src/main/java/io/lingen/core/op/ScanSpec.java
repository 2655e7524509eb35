package io.lingen.core.op;

/**
 * The sizes of a Mamba2 selective scan.
 *
 * @param innerWidth di, the width of x: heads times head dimension
 * @param stateSize n, the width of the state per head
 * @param groups G; head h uses the B and C of group h / (heads / G)
 * @param headDim P, the width of a head
 * @param convWidth the number of taps of the causal convolution, at least 1
 * @param chunkSize Q, the number of tokens per chunk; affects rounding only
 */
public record ScanSpec(int innerWidth, int stateSize, int groups, int headDim, int convWidth, int chunkSize) {
    /**
     * Checks the sizes.
     *
     * @throws IllegalArgumentException if one is below 1, or the inner width is not a multiple of head dimension times groups
     */
    public ScanSpec {
        if (innerWidth < 1 || stateSize < 1 || groups < 1 || headDim < 1 || convWidth < 1 || chunkSize < 1) {
            throw new IllegalArgumentException("sizes of a scan must be at least 1, found inner width " + innerWidth
                    + ", state " + stateSize + ", groups " + groups + ", head " + headDim + ", convolution " + convWidth
                    + ", chunk " + chunkSize);
        }
        if (innerWidth % headDim != 0 || innerWidth / headDim % groups != 0) {
            throw new IllegalArgumentException("inner width must be a multiple of head dimension times groups, "
                    + headDim + " * " + groups + ", found " + innerWidth);
        }
    }

    /** {@return H, the number of heads} */
    public int heads() {
        return innerWidth / headDim;
    }

    /** {@return the number of channels of the convolution: x, B and C} */
    public int channels() {
        return innerWidth + 2 * groups * stateSize;
    }

    /** {@return the width of B and of C} */
    public int groupWidth() {
        return groups * stateSize;
    }
}
