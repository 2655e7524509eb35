package io.lingen.cuda.internal.driver;

/**
 * How a kernel is started.
 *
 * @param gridX blocks along x, up to 2^31 - 1; 0 starts nothing
 * @param gridY blocks along y, up to 65535; likewise gridZ
 * @param blockX threads of a block along x; likewise blockY
 * @param sharedBytes dynamic shared memory of a block
 */
public record Launch(long gridX, int gridY, int gridZ, int blockX, int blockY, int sharedBytes) {
    private static final int MAX_GRID_YZ = 65535;
    private static final int THREADS = 256;

    public Launch {
        if (gridX < 0
                || gridX > Integer.MAX_VALUE
                || gridY < 1
                || gridY > MAX_GRID_YZ
                || gridZ < 1
                || gridZ > MAX_GRID_YZ) {
            throw new IllegalArgumentException("a grid of " + gridX + " x " + gridY + " x " + gridZ
                    + " blocks; at most 2^31 - 1 x 65535 x 65535 can be started: cut the tensor into slices");
        }
    }

    /** Blocks of 256 threads along x. */
    public static Launch of(long blocks) {
        return new Launch(blocks, 1, 1, THREADS, 1, 0);
    }

    /**
     * Cells of channels: blocks of 256 threads, (vectors of 8 channels, lines of cells), some perhaps without a channel; along x the cells,
     * along y the channels that a block has no room for.
     */
    public static Launch cells(long cells, int channels) {
        int vectors = Math.ceilDiv(channels, 8);
        int width = Math.min(Integer.highestOneBit(2 * vectors - 1), THREADS);
        int lines = THREADS / width;
        return new Launch(Math.ceilDiv(cells, lines), Math.ceilDiv(vectors, width), 1, width, lines, 0);
    }

    /** Rows of 8 elements a thread: a block along x per row, along y per 2048 columns; no more threads than a row needs. */
    public static Launch rows(long rows, long columns) {
        int threads = (int) Math.min(THREADS, Math.ceilDiv(Math.ceilDiv(columns, 8), 32) * 32);
        return new Launch(rows, (int) Math.ceilDiv(columns, 8L * threads), 1, threads, 1, 0);
    }
}
