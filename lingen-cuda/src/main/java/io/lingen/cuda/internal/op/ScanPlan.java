package io.lingen.cuda.internal.op;

/**
 * How a selective scan on tensor cores is cut: the sequence into chunks of 64 tokens, the chunks into segments that run beside each other.
 *
 * @param paddedState the state's width as the kernels hold it
 * @param chunks in all
 * @param segments how many; 1 needs no carry
 * @param chunksPerSegment of the last segment perhaps fewer
 * @param emitSharedBytes of a block that writes y
 * @param statesSharedBytes of a block that finds a segment's state
 * @param scoresSharedBytes of a block that multiplies B and C
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
    /** Blocks of 16 x 16 on and below the diagonal of a chunk's square. */
    static final int BLOCKS = 10;
    /** Numbers that scan_factors keeps of a token and a head. */
    static final int FACTORS = 4;
    /** What a segment gains by running beside others it loses by being walked twice: short ones don't pay. */
    private static final int FEWEST_CHUNKS = 4;
    /** Chunks that a block could do while it starts. */
    private static final int START_CHUNKS = 2;
    /** More segments fill the last wave of blocks better, but their states cost memory traffic. */
    private static final int MAX_WAVES = 4;

    private static final int RESERVED_SHARED_BYTES = 1024;
    private static final int MAX_SEGMENTS = 1024;

    /** Whether the kernels take these sizes; if not, the plain recurrence runs. */
    static boolean fits(int headDim, int state, int taps) {
        return headDim <= MAX_HEAD && state <= MAX_STATE && taps <= MAX_TAPS;
    }

    /**
     * A plan whose blocks fill the device in as few steps as possible: once, or some times so that less of the last time is idle.
     *
     * @param sharedBytesPerMultiprocessor what limits how many blocks are at work, beside their registers
     */
    static ScanPlan of(int steps, int heads, int state, int multiprocessors, int sharedBytesPerMultiprocessor) {
        int padded = Math.max(16, state == 1 ? 16 : Integer.highestOneBit(state - 1) * 2);
        int emit = 2 * stageBytes(padded, 2, true) + BLOCKS * 32 * 16;
        // Registers allow two blocks of 128 threads at wide states, three below.
        int resident = Math.max(
                1, Math.min(padded > 32 ? 2 : 3, sharedBytesPerMultiprocessor / (emit + RESERVED_SHARED_BYTES)));
        int slots = multiprocessors * resident;
        int chunks = Math.ceilDiv(steps, CHUNK);
        int most = Math.max(1, Math.min(MAX_SEGMENTS, chunks / FEWEST_CHUNKS));
        int perSegment = chunks;
        long least = Long.MAX_VALUE;
        for (int waves = 1; waves <= MAX_WAVES; waves++) {
            int wanted = Math.clamp((long) waves * slots / heads, 1, most);
            int length = Math.ceilDiv(chunks, wanted);
            long blocks = (long) Math.ceilDiv(chunks, length) * heads;
            long time = Math.ceilDiv(blocks, slots) * (length + START_CHUNKS);
            if (time < least) {
                least = time;
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

    /** The steps of whole chunks. */
    long steps() {
        return (long) chunks * CHUNK;
    }

    /** x, of B and C as many as are needed, padded rows; factors; rows of y. */
    private static int stageBytes(int padded, int matrices, boolean rows) {
        int x = CHUNK * (MAX_HEAD + 8) * Short.BYTES;
        int bc = matrices * CHUNK * (padded + 8) * Short.BYTES;
        return x + bc + FACTORS * CHUNK * Float.BYTES + (rows ? CHUNK * Integer.BYTES : 0);
    }
}
