package io.lingen.cuda.op;

/**
 * How a selective scan on tensor cores is cut: the sequence into chunks of 64 tokens, the chunks into segments that run beside each other.
 *
 * @param paddedState the state's width as the kernel holds it
 * @param segments how many; 1 needs no carry
 * @param chunksPerSegment of the last segment perhaps fewer
 * @param sharedBytes of a block
 */
record ScanPlan(int paddedState, int segments, int chunksPerSegment, int sharedBytes) {
    static final int CHUNK = 64;
    static final int MAX_HEAD = 64;
    static final int MAX_STATE = 128;
    static final int MAX_TAPS = 8;
    /** What a segment gains by running beside others it loses by being walked twice: short ones don't pay. */
    private static final int FEWEST_CHUNKS = 4;

    private static final int RESERVED_SHARED_BYTES = 1024;
    private static final int MAX_SEGMENTS = 1024;

    /** Whether the kernel takes these sizes; if not, the plain recurrence runs. */
    static boolean fits(int headDim, int state, int taps) {
        return headDim <= MAX_HEAD && state <= MAX_STATE && taps <= MAX_TAPS;
    }

    /**
     * A plan whose blocks fill the device once, or as nearly as the sequence allows.
     *
     * @param sharedBytesPerMultiprocessor what limits how many blocks are at work, beside their registers
     */
    static ScanPlan of(int steps, int heads, int state, int multiprocessors, int sharedBytesPerMultiprocessor) {
        int padded = Math.max(16, state == 1 ? 16 : Integer.highestOneBit(state - 1) * 2);
        int shared = sharedBytes(padded);
        // Registers allow two blocks of 128 threads at the widest state, three below.
        int resident = Math.max(
                1, Math.min(padded > 64 ? 2 : 3, sharedBytesPerMultiprocessor / (shared + RESERVED_SHARED_BYTES)));
        int chunks = Math.ceilDiv(steps, CHUNK);
        int wanted = Math.max(1, multiprocessors * resident / heads);
        int segments = Math.max(1, Math.min(Math.min(wanted, MAX_SEGMENTS), chunks / FEWEST_CHUNKS));
        int perSegment = Math.max(1, Math.ceilDiv(chunks, segments));
        return new ScanPlan(padded, Math.max(1, Math.ceilDiv(chunks, perSegment)), perSegment, shared);
    }

    /** B, C and the old state of padded rows; x plain and weighted; sums, dt, filter and rows. */
    private static int sharedBytes(int padded) {
        int rows = (2 * CHUNK + MAX_HEAD) * (padded + 8) * Short.BYTES;
        int x = 2 * CHUNK * (MAX_HEAD + 8) * Short.BYTES;
        int small = (2 * CHUNK + (MAX_TAPS + 1) * MAX_HEAD) * Float.BYTES + (CHUNK + MAX_TAPS) * Integer.BYTES;
        return rows + x + small;
    }
}
