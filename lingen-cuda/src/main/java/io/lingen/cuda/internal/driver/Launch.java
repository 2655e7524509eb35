package io.lingen.cuda.internal.driver;

/**
 * The grid and the blocks of a kernel launch.
 *
 * @param gridX the number of blocks along x, up to 2^31 - 1; 0 launches nothing
 * @param gridY the number of blocks along y, 1 to 65535
 * @param gridZ the number of blocks along z, 1 to 65535
 * @param blockX the number of threads of a block along x
 * @param blockY the number of threads of a block along y
 * @param sharedBytes the dynamic shared memory of a block in bytes
 */
public record Launch(long gridX, int gridY, int gridZ, int blockX, int blockY, int sharedBytes) {
    private static final int MAX_GRID_YZ = 65535;
    private static final int THREADS = 256;

    /**
     * Checks the grid.
     *
     * @throws IllegalArgumentException if it is too large
     */
    public Launch {
        if (gridX < 0
                || gridX > Integer.MAX_VALUE
                || gridY < 1
                || gridY > MAX_GRID_YZ
                || gridZ < 1
                || gridZ > MAX_GRID_YZ) {
            throw new IllegalArgumentException("grid must be at most 2^31 - 1 x 65535 x 65535 blocks, found " + gridX
                    + " x " + gridY + " x " + gridZ + "; process the tensor in slices");
        }
    }

    /**
     * {@return blocks of 256 threads along x}
     *
     * @param blocks their number
     */
    public static Launch of(long blocks) {
        return new Launch(blocks, 1, 1, THREADS, 1, 0);
    }

    /**
     * Returns a launch over cells with channels. A block has 256 threads (vectors of 8 channels, cells), of which some may have no channel.
     * The grid has cells along x, and along y the channels that do not fit a block.
     *
     * @param cells the number of cells
     * @param channels the number of channels of a cell
     * @return the launch
     */
    public static Launch cells(long cells, int channels) {
        int vectors = Math.ceilDiv(channels, 8);
        int width = Math.min(Integer.highestOneBit(2 * vectors - 1), THREADS);
        int lines = THREADS / width;
        return new Launch(Math.ceilDiv(cells, lines), Math.ceilDiv(vectors, width), 1, width, lines, 0);
    }

    /**
     * Returns a launch over rows with 8 elements per thread. The grid has one block per row along x, and one per 2048 columns along y.
     * Blocks have no more threads than a row needs.
     *
     * @param rows the number of rows
     * @param columns the number of columns
     * @return the launch
     */
    public static Launch rows(long rows, long columns) {
        int threads = (int) Math.min(THREADS, Math.ceilDiv(Math.ceilDiv(columns, 8), 32) * 32);
        return new Launch(rows, (int) Math.ceilDiv(columns, 8L * threads), 1, threads, 1, 0);
    }
}
