package io.lingen.cuda.internal.op;

/**
 * The division of a selective scan on tensor cores: the sequence into chunks of 64 tokens, and the chunks into segments that run in
 * parallel.
 *
 * @param paddedState the size of the state, padded to a size that the kernels support
 * @param chunks the number of chunks
 * @param segments the number of segments; one segment needs no carry
 * @param chunksPerSegment the number of chunks of a segment; the last may have fewer
 * @param emitSharedBytes the shared memory of a block that writes y
 * @param statesSharedBytes the shared memory of a block that computes the state of a segment
 * @param scoresSharedBytes the shared memory of a block that multiplies B and C
 */
record ScanPlan(
        int paddedState,
        int chunks,
        int segments,
        int chunksPerSegment,
        int emitSharedBytes,
        int statesSharedBytes,
        int scoresSharedBytes) {
    static final int CHUNK = 64;
    static final int MAX_HEAD = 64;
    static final int MAX_STATE = 128;
    static final int MAX_TAPS = 8;
    /** The number of 16 x 16 blocks on and below the diagonal of the matrix of a chunk. */
    static final int BLOCKS = 10;
    /** The number of values that scan_factors computes for a token and a head. */
    static final int FACTORS = 4;
    /** The smallest number of chunks of a segment. Segments are scanned twice, so short ones cost more than they gain. */
    private static final int MIN_CHUNKS = 4;
    /** The start-up time of a block, in chunks. */
    private static final int START_CHUNKS = 2;
    /** The largest number of waves of blocks. More segments fill the last wave better, but their states cost memory traffic. */
    private static final int MAX_WAVES = 4;

    private static final int RESERVED_SHARED_BYTES = 1024;
    private static final int MAX_SEGMENTS = 1024;

    /** Returns whether the kernels support these sizes. If not, the recurrence is computed step by step. */
    static boolean fits(int headDim, int state, int taps) {
        return headDim <= MAX_HEAD && state <= MAX_STATE && taps <= MAX_TAPS;
    }

    /**
     * Returns the plan with the shortest estimated time. Its blocks fill the device in one or more waves.
     *
     * @param sharedBytesPerMultiprocessor limits the number of resident blocks, as do their registers
     */
    static ScanPlan of(int steps, int heads, int state, int multiprocessors, int sharedBytesPerMultiprocessor) {
        int padded = Math.max(16, state == 1 ? 16 : Integer.highestOneBit(state - 1) * 2);
        int emit = 2 * stageBytes(padded, 2, true) + BLOCKS * 32 * 16;
        // Registers limit a multiprocessor to two blocks of 128 threads with wide states, and to three with others.
        int resident = Math.max(
                1, Math.min(padded > 32 ? 2 : 3, sharedBytesPerMultiprocessor / (emit + RESERVED_SHARED_BYTES)));
        int slots = multiprocessors * resident;
        int chunks = Math.ceilDiv(steps, CHUNK);
        int maxSegments = Math.max(1, Math.min(MAX_SEGMENTS, chunks / MIN_CHUNKS));
        int perSegment = chunks;
        long shortest = Long.MAX_VALUE;
        for (int waves = 1; waves <= MAX_WAVES; waves++) {
            int segments = Math.clamp((long) waves * slots / heads, 1, maxSegments);
            int length = Math.ceilDiv(chunks, segments);
            long blocks = (long) Math.ceilDiv(chunks, length) * heads;
            long time = Math.ceilDiv(blocks, slots) * (length + START_CHUNKS);
            if (time < shortest) {
                shortest = time;
                perSegment = length;
            }
        }
        return new ScanPlan(
                padded,
                chunks,
                Math.ceilDiv(chunks, perSegment),
                perSegment,
                emit,
                2 * stageBytes(padded, 1, false),
                2 * CHUNK * (padded + 8) * Short.BYTES);
    }

    /** Returns the number of steps, padded to complete chunks. */
    long steps() {
        return (long) chunks * CHUNK;
    }

    /** Returns the size of a stage: padded rows of x and of B and C, factors, and the row indices of y. */
    private static int stageBytes(int padded, int matrices, boolean rows) {
        int x = CHUNK * (MAX_HEAD + 8) * Short.BYTES;
        int bc = matrices * CHUNK * (padded + 8) * Short.BYTES;
        return x + bc + FACTORS * CHUNK * Float.BYTES + (rows ? CHUNK * Integer.BYTES : 0);
    }
}
