package io.lingen.cuda.internal.op;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.Windows;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cuda.internal.driver.Device;
import io.lingen.cuda.internal.driver.Launch;
import io.lingen.cuda.internal.op.args.AttentionArguments;
import io.lingen.cuda.internal.op.args.AttentionArguments.Axis;
import org.jspecify.annotations.Nullable;

/** Full attention and window attention. */
public final class Attention {
    private static final int MAX_HEAD = 1024;
    private static final int MAX_MATRIX_HEAD = 128;
    private static final int MAX_WIDE_HEAD = 512;

    private final Device device;

    /**
     * Creates the operations of a device.
     *
     * @param device the device
     */
    public Attention(Device device) {
        this.device = device;
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#attention}.
     *
     * @param q n queries
     * @param k m keys
     * @param v m values
     * @param weights [m], or null for 1
     * @param out [n, q.width()]
     */
    public void attention(Heads q, Heads k, Heads v, @Nullable Tensor weights, Tensor out) {
        launch(q, k, v, weights, null, out, Tiling.ofAll(q, k));
    }

    /**
     * Computes {@link io.lingen.core.backend.Backend#windowAttention}.
     *
     * @param q grid.cells() queries
     * @param k grid.cells() keys
     * @param v grid.cells() values
     * @param grid the grid of tokens
     * @param windows the partition of the grid
     * @param bias [heads, windows.offsets()], or null for none
     * @param out [grid.cells(), q.width()]
     */
    public void windowAttention(
            Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable Tensor bias, Tensor out) {
        launch(q, k, v, null, bias, out, Tiling.of(grid, windows));
    }

    private void launch(
            Heads q, Heads k, Heads v, @Nullable Tensor weights, @Nullable Tensor bias, Tensor out, Tiling tiling) {
        boolean bf16 = isBf16(q) && isBf16(k) && isBf16(v);
        boolean direct =
                HeadAddresses.areDirect(q) && HeadAddresses.areDirect(k) && HeadAddresses.areDirect(v) && isDirect(out);
        Plan plan = device.hasWarpgroups() && direct && bias == null && Plan.fitsWarpgroups(q.headDim())
                ? Plan.ofWarpgroups(q.headDim(), tiling.keys)
                : Plan.of(
                        bf16,
                        q.headDim(),
                        tiling.queries,
                        bias != null,
                        device.properties().sharedBytesPerBlock());
        int tiles = Math.ceilDiv(tiling.queries, plan.queriesPerBlock);
        device.launch(
                plan.source,
                plan.kernel,
                plan.launch(
                        (long) tiles * tiling.windows,
                        q.heads(),
                        device.properties().multiprocessors()),
                new AttentionArguments(
                        HeadAddresses.of(q),
                        HeadAddresses.of(k),
                        HeadAddresses.of(v),
                        PooledTensor.addressOrNull(weights),
                        PooledTensor.addressOrNull(bias),
                        PooledTensor.addressOf(out),
                        columns(q),
                        columns(k),
                        columns(v),
                        isBf16(q),
                        isBf16(k),
                        isBf16(v),
                        PooledTensor.isBf16(out),
                        q.heads(),
                        q.headDim(),
                        tiling.queries,
                        Math.toIntExact(k.tokens()),
                        tiling.windowed,
                        tiles,
                        (float) (1 / Math.sqrt(q.headDim())),
                        tiling.t,
                        tiling.h,
                        tiling.w));
    }

    /**
     * The sets of tokens that attend to each other: all tokens, or the windows of a grid.
     *
     * @param queries the largest number of queries of a window
     * @param keys the largest number of keys of a window
     * @param windows the number of windows
     * @param windowed whether attention is within windows
     * @param t the windows along time
     * @param h the windows along height
     * @param w the windows along width
     */
    private record Tiling(int queries, int keys, int windows, boolean windowed, Axis t, Axis h, Axis w) {
        static Tiling ofAll(Heads q, Heads k) {
            int queries = Math.toIntExact(q.tokens());
            return new Tiling(queries, Math.toIntExact(k.tokens()), 1, false, Axis.NONE, Axis.NONE, Axis.NONE);
        }

        static Tiling of(Grid grid, Windows windows) {
            Axis t = axis(grid, windows, 0);
            Axis h = axis(grid, windows, 1);
            Axis w = axis(grid, windows, 2);
            int count = Math.multiplyExact(Math.multiplyExact(t.count(), h.count()), w.count());
            int largest = largest(t) * largest(h) * largest(w);
            return new Tiling(largest, largest, count, true, t, h, w);
        }

        private static Axis axis(Grid grid, Windows windows, int axis) {
            int[] cuts = windows.cuts(grid, axis);
            return new Axis(grid.length(axis), windows.size().length(axis), cuts[1], cuts.length - 1);
        }

        private static int largest(Axis axis) {
            return Math.min(axis.length(), axis.size());
        }
    }

    private static long columns(Heads heads) {
        return heads.matrix().shape().last();
    }

    private static boolean isBf16(Heads heads) {
        return heads.matrix().dtype() == DType.BF16;
    }

    /** Returns whether rows can be written in units of 16 bytes, if their heads can be read so. */
    private static boolean isDirect(Tensor out) {
        return out.dtype() == DType.BF16 && PooledTensor.addressOf(out) % 16 == 0;
    }

    /** A kernel, its block size, and the number of queries that a block processes at a time. */
    record Plan(String source, String kernel, int threads, int queriesPerBlock, int sharedBytes) {
        private static final String SOURCE = "attention";
        private static final String WARPGROUPS_SOURCE = "attention_sm90";
        private static final String WIDE_SOURCE = "attention_wide";

        /**
         * Returns a plan for the kernels with mma.sync, or for the kernel without matrix instructions.
         *
         * @param maxSharedBytes the largest shared memory of a block, which limits wide heads
         */
        static Plan of(boolean bf16, int headDim, int queries, boolean biased, int maxSharedBytes) {
            if (headDim > MAX_HEAD) {
                throw new IllegalArgumentException(
                        "head dimension must be at most " + MAX_HEAD + " on the cuda backend, found " + headDim);
            }
            if (bf16 && headDim > MAX_MATRIX_HEAD && headDim <= MAX_WIDE_HEAD && !biased) {
                Plan wide = ofWideHeads(headDim);
                if (wide.sharedBytes <= maxSharedBytes) {
                    return wide;
                }
            }
            if (!bf16 || headDim > MAX_MATRIX_HEAD) {
                return new Plan(SOURCE, "attention_plain", 128, 4, 0);
            }
            int width = headDim <= 32 ? 32 : headDim <= 64 ? 64 : 128;
            boolean many = queries > 64 && !biased;
            int rows = many ? 128 : 64;
            int keys = 64;
            // Shared memory: queries padded by 8, two stages of keys and values, row indices of queries and of two
            // tiles of keys.
            int tiles = (rows * (width + 8) + 4 * keys * width) * Short.BYTES;
            int map = (rows + 2 * keys) * Integer.BYTES;
            return new Plan(
                    SOURCE,
                    "attention_bf16_" + width + (biased ? "_biased" : many ? "_many" : "_few"),
                    128,
                    rows,
                    tiles + map);
        }

        private static Plan ofWideHeads(int headDim) {
            int width = Math.ceilDiv(headDim, 128) * 128;
            int rows = 64;
            int keys = 32;
            // Shared memory: queries, keys and values, softmax weights in rows padded by 8, and three factors per
            // query.
            int tiles = (rows * width + 2 * keys * width + rows * (keys + 8)) * Short.BYTES;
            return new Plan(WIDE_SOURCE, WIDE_SOURCE + "_" + width, 256, rows, tiles + 3 * rows * Float.BYTES);
        }

        /**
         * Returns whether the kernels with warpgroup instructions support a head dimension. Narrow heads would waste most of an
         * instruction.
         */
        static boolean fitsWarpgroups(int headDim) {
            return headDim > 32 && headDim <= MAX_MATRIX_HEAD;
        }

        /** Returns a plan for the kernels with warpgroup instructions, given the largest number of keys of a query. */
        static Plan ofWarpgroups(int headDim, int maxKeys) {
            int width = headDim <= 64 ? 64 : 128;
            int keys = maxKeys <= 64 ? 64 : 128;
            int rows = 128;
            // Shared memory: two stages of keys, values and queries, the output, and for each stage seven barriers and
            // a description of its queries.
            int tiles = (4 * keys * width + 3 * rows * width) * Short.BYTES;
            int control = 2 * (7 * Long.BYTES + (rows + 3) * Integer.BYTES);
            return new Plan(WARPGROUPS_SOURCE, "attention_sm90_" + width + "_" + keys, 384, rows, tiles + control);
        }

        /** Returns a launch with one block per tile and head, or with persistent blocks, one per multiprocessor. */
        Launch launch(long tiles, int heads, int multiprocessors) {
            if (!source.equals(WARPGROUPS_SOURCE)) {
                return new Launch(tiles, heads, 1, threads, 1, sharedBytes);
            }
            int pieces = Math.toIntExact(tiles * heads);
            return new Launch(Math.min(pieces, multiprocessors), 1, 1, threads, 1, sharedBytes);
        }
    }
}
