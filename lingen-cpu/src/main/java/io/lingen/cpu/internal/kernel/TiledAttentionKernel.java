package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.Windows;
import io.lingen.core.spi.pool.PooledTensor;
import io.lingen.cpu.internal.RawMemory;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.SizeClassAllocator;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.WorkerPool.Worker;
import io.lingen.cpu.internal.loop.FloatKernels;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Attention over tiles of queries and keys with an online softmax (Dao et al., "FlashAttention", 2022), which never stores the scores of
 * all pairs. The two products of a tile are computed by a {@link MatrixKernel}, in BF16 if all tensors are BF16 and {@link
 * MatrixKernel#gemmType} is too. Scores, softmax and sums are F32. Keys and values are first gathered by head: those of a window, or those
 * whose weight is not 0.
 */
public final class TiledAttentionKernel implements AttentionKernel {
    private static final int QUERY_TILE = 256;
    private static final int KEY_TILE = 256;

    /** The largest size of the queries, keys and values of a window that are gathered together. */
    private static final int WINDOW_BYTES = 1 << 18;

    private static final int GATHER_ROWS = 512;

    private final WorkerPool pool;
    private final SizeClassAllocator memory;
    private final FloatKernels loops;
    private final MatrixKernel matrix;

    /**
     * Creates a kernel.
     *
     * @param pool the threads
     * @param memory the allocator of intermediate results
     * @param loops the inner loops
     * @param matrix the matrix products
     */
    public TiledAttentionKernel(WorkerPool pool, SizeClassAllocator memory, FloatKernels loops, MatrixKernel matrix) {
        this.pool = pool;
        this.memory = memory;
        this.loops = loops;
        this.matrix = matrix;
    }

    @Override
    public void attention(Heads q, Heads k, Heads v, @Nullable Tensor weights, PooledTensor out) {
        DType dtype = gemmType(q, k, v);
        long[] kept = kept(weights, k.tokens());
        int keys = kept.length;
        long matrixBytes = (long) keys * k.width() * dtype.bytes();
        boolean weighted = isWeighted(weights, kept);
        long weightBytes = weighted ? (long) keys * Float.BYTES : 0;
        SizeClassAllocator.Block gathered = memory.allocate(2 * matrixBytes + weightBytes);
        try {
            long values = gathered.address() + matrixBytes;
            Bias bias = weighted ? weightBias(weights, kept, q.headDim(), values + matrixBytes) : null;
            pool.forRanges(keys, GATHER_ROWS, (from, to, worker) -> {
                gather(k, 0, k.heads(), kept, (int) from, (int) to, dtype, gathered.address());
                gather(v, 0, v.heads(), kept, (int) from, (int) to, dtype, values);
            });
            int width = q.headDim();
            int blocks = Math.toIntExact(Math.ceilDiv(q.tokens(), QUERY_TILE));
            pool.forEach(Math.multiplyExact(blocks, q.heads()), (task, worker) -> {
                int head = task / blocks;
                long first = (long) (task % blocks) * QUERY_TILE;
                int rows = (int) Math.min(QUERY_TILE, q.tokens() - first);
                long ofHead = (long) head * keys * width * dtype.bytes();
                MatrixView headKeys = MatrixView.of(gathered.address() + ofHead, dtype, keys, width, width);
                MatrixView headValues = MatrixView.of(values + ofHead, dtype, keys, width, width);
                long column = (long) head * width * out.dtype().bytes();
                attend(queries(q, head, first, rows, dtype, worker.scratch()), headKeys, headValues, bias, worker)
                        .store(out.dtype(), row -> out.rowAddress(first + row) + column);
            });
        } finally {
            memory.release(gathered);
        }
    }

    private DType gemmType(Heads q, Heads k, Heads v) {
        boolean bf16 = q.matrix().dtype() == DType.BF16
                && k.matrix().dtype() == DType.BF16
                && v.matrix().dtype() == DType.BF16;
        return bf16 ? matrix.gemmType(DType.BF16) : DType.F32;
    }

    /** Returns the keys whose weight is not 0. */
    private static long[] kept(@Nullable Tensor weights, long keys) {
        LongStream all = LongStream.range(0, keys);
        return (weights == null ? all : all.filter(key -> weight(weights, key) != 0)).toArray();
    }

    /** Returns whether a key has another weight than 1. */
    private static boolean isWeighted(@Nullable Tensor weights, long[] keys) {
        return weights != null && LongStream.of(keys).anyMatch(key -> weight(weights, key) != 1);
    }

    private static float weight(Tensor weights, long key) {
        return RawMemory.getFloat(PooledTensor.addressOf(weights) + key * Float.BYTES);
    }

    /**
     * Returns a bias that adds the logarithms of the weights of the keys to the scores.
     *
     * @param target memory for one number per key, as long as the bias is in use
     */
    private Bias weightBias(Tensor weights, long[] keys, int width, long target) {
        // The softmax scales the sums of scores and biases, so divide the logarithms by its scale.
        double unscale = Math.sqrt(width);
        for (int i = 0; i < keys.length; i++) {
            float logarithm = (float) (Math.log(weight(weights, keys[i])) * unscale);
            RawMemory.setFloat(target + (long) i * Float.BYTES, logarithm);
        }
        return (scores, firstKey, scratch) -> {
            long ofTile = target + (long) firstKey * Float.BYTES;
            for (int row = 0; row < scores.rows(); row++) {
                loops.add(scores.at(row, 0), ofTile, scores.at(row, 0), scores.columns());
            }
        };
    }

    /** Returns queries as a view, or converted. */
    private MatrixView queries(Heads q, int head, long first, int rows, DType dtype, Scratch scratch) {
        PooledTensor tensor = PooledTensor.of(q.matrix());
        int width = q.headDim();
        if (tensor.dtype() == dtype) {
            long column = q.column() + (long) head * width;
            long address = tensor.rowAddress(first) + column * dtype.bytes();
            return MatrixView.of(address, dtype, rows, width, tensor.shape().last());
        }
        long target = scratch.bytes((long) rows * width * dtype.bytes());
        long[] which = LongStream.range(first, first + rows).toArray();
        gather(q, head, 1, which, 0, rows, dtype, target);
        return MatrixView.of(target, dtype, rows, width, width);
    }

    /**
     * Gathers rows of a range of heads by head.
     *
     * @param rows the rows of the result; those from {@code from} to {@code to} are copied
     * @param target [count, rows, headDim] of type {@code dtype}
     */
    private void gather(Heads heads, int head, int count, long[] rows, int from, int to, DType dtype, long target) {
        PooledTensor tensor = PooledTensor.of(heads.matrix());
        int width = heads.headDim();
        int bytes = tensor.dtype().bytes();
        long column = (heads.column() + (long) head * width) * bytes;
        long headBytes = (long) rows.length * width * dtype.bytes();
        boolean copies = tensor.dtype() == dtype && width * bytes % Float.BYTES == 0;
        for (int i = from; i < to; i++) {
            long source = tensor.rowAddress(rows[i]) + column;
            long row = target + (long) i * width * dtype.bytes();
            for (int j = 0; j < count; j++) {
                if (copies) {
                    loops.copy(source, row, width * bytes / Float.BYTES);
                } else if (tensor.dtype() == dtype) {
                    RawMemory.copy(source, row, (long) width * bytes);
                } else {
                    loops.load(source, tensor.dtype(), row, width);
                }
                source += (long) width * bytes;
                row += headBytes;
            }
        }
    }

    /** A bias of the scores of a tile. */
    private interface Bias {
        /**
         * Adds the bias to scores.
         *
         * @param scores q k^T for all queries and for keys from {@code firstKey} on, before the division by sqrt(headDim)
         */
        void addTo(MatrixView scores, int firstKey, Scratch scratch);
    }

    private interface Target {
        long address(int row);
    }

    /** The result of a tile of queries. */
    private final class Result {
        private final RunningSoftmax softmax;
        private final int rows;
        private final int width;

        private Result(RunningSoftmax softmax, int rows, int width) {
            this.softmax = softmax;
            this.rows = rows;
            this.width = width;
        }

        private void store(DType dtype, Target target) {
            for (int row = 0; row < rows; row++) {
                loops.store(softmax.result(row), target.address(row), dtype, width);
            }
        }
    }

    private Result attend(MatrixView queries, MatrixView keys, MatrixView values, @Nullable Bias bias, Worker worker) {
        Scratch scratch = worker.scratch();
        DType dtype = values.dtype();
        int rows = queries.rows();
        int tile = Math.min(KEY_TILE, keys.rows());
        RunningSoftmax softmax = new RunningSoftmax(loops, rows, queries.columns(), scratch);
        long scores = scratch.floats((long) rows * tile);
        long weights = dtype == DType.F32 ? scores : scratch.bytes((long) rows * tile * dtype.bytes());
        for (int key = 0; key < keys.rows(); key += tile) {
            long mark = scratch.mark();
            int count = Math.min(tile, keys.rows() - key);
            MatrixView tileScores = MatrixView.of(scores, DType.F32, rows, count, count);
            MatrixView tileWeights = MatrixView.of(weights, dtype, rows, count, count);
            matrix.multiply(queries, keys.rows(key, count).transpose(), tileScores, false, worker);
            if (bias != null) {
                bias.addTo(tileScores, key, scratch);
            }
            softmax.update(tileScores, tileWeights);
            matrix.multiply(tileWeights, values.rows(key, count), softmax.sums(), softmax.accumulates(), worker);
            scratch.release(mark);
        }
        return new Result(softmax, rows, queries.columns());
    }

    @Override
    public void windowAttention(
            Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable Tensor bias, PooledTensor out) {
        DType dtype = gemmType(q, k, v);
        int[] cutsT = windows.cuts(grid, 0);
        int[] cutsH = windows.cuts(grid, 1);
        int[] cutsW = windows.cuts(grid, 2);
        int countW = cutsW.length - 1;
        int countHw = (cutsH.length - 1) * countW;
        int count = (cutsT.length - 1) * countHw;
        int headsPerTask = headsPerTask(q, windows.size(), count, dtype);
        int parts = q.heads() / headsPerTask;
        pool.forEach(Math.multiplyExact(count, parts), (task, worker) -> {
            int window = task / parts;
            int t = window / countHw;
            int h = window % countHw / countW;
            int w = window % countW;
            long[] rows = rows(grid, cutsT[t], cutsT[t + 1], cutsH[h], cutsH[h + 1], cutsW[w], cutsW[w + 1]);
            window(q, k, v, grid, windows, bias, rows, task % parts * headsPerTask, headsPerTask, dtype, out, worker);
        });
    }

    /** Returns the number of heads of a window that a task gathers together, since their columns are adjacent in memory. */
    private int headsPerTask(Heads q, Dims3 window, int windows, DType dtype) {
        int best = 1;
        for (int heads = 2; heads <= q.heads(); heads++) {
            long bytes = 3 * window.volume() * heads * q.headDim() * dtype.bytes();
            boolean enoughTasks = (long) windows * (q.heads() / heads) >= 8L * pool.size();
            if (q.heads() % heads == 0 && bytes <= WINDOW_BYTES && enoughTasks) {
                best = heads;
            }
        }
        return best;
    }

    private void window(
            Heads q,
            Heads k,
            Heads v,
            Grid grid,
            Windows windows,
            @Nullable Tensor bias,
            long[] rows,
            int firstHead,
            int heads,
            DType dtype,
            PooledTensor out,
            Worker worker) {
        Scratch scratch = worker.scratch();
        int tokens = rows.length;
        int width = q.headDim();
        long matrixBytes = (long) tokens * width * dtype.bytes();
        long queries = scratch.bytes(heads * matrixBytes);
        long keys = scratch.bytes(heads * matrixBytes);
        long values = scratch.bytes(heads * matrixBytes);
        gather(q, firstHead, heads, rows, 0, tokens, dtype, queries);
        gather(k, firstHead, heads, rows, 0, tokens, dtype, keys);
        gather(v, firstHead, heads, rows, 0, tokens, dtype, values);
        for (int i = 0; i < heads; i++) {
            int head = firstHead + i;
            MatrixView headQueries = MatrixView.of(queries + i * matrixBytes, dtype, tokens, width, width);
            MatrixView headKeys = MatrixView.of(keys + i * matrixBytes, dtype, tokens, width, width);
            MatrixView headValues = MatrixView.of(values + i * matrixBytes, dtype, tokens, width, width);
            RelativeBias relative =
                    bias == null ? null : new RelativeBias(PooledTensor.addressOf(bias), windows.size(), head);
            long column = (long) head * width * out.dtype().bytes();
            for (int row = 0; row < tokens; row += QUERY_TILE) {
                long mark = scratch.mark();
                int first = row;
                int count = Math.min(QUERY_TILE, tokens - row);
                Bias added = relative == null ? null : bias(relative, grid, rows, first, width);
                attend(headQueries.rows(first, count), headKeys, headValues, added, worker)
                        .store(out.dtype(), i1 -> out.rowAddress(rows[first + i1]) + column);
                scratch.release(mark);
            }
        }
    }

    private Bias bias(RelativeBias bias, Grid grid, long[] rows, int firstQuery, int width) {
        // The softmax divides scores by sqrt(headDim), so the bias is multiplied by it here.
        float unscale = (float) Math.sqrt(width);
        return (scores, firstKey, scratch) -> {
            long biasRow = scratch.floats(rows.length);
            for (int row = 0; row < scores.rows(); row++) {
                bias.row(grid, rows, firstQuery + row, biasRow);
                long ofTile = biasRow + (long) firstKey * Float.BYTES;
                loops.addScaled(unscale, ofTile, scores.at(row, 0), scores.columns());
            }
        };
    }

    private static long[] rows(Grid grid, int t0, int t1, int h0, int h1, int w0, int w1) {
        long[] rows = new long[(t1 - t0) * (h1 - h0) * (w1 - w0)];
        int i = 0;
        for (int t = t0; t < t1; t++) {
            for (int h = h0; h < h1; h++) {
                for (int w = w0; w < w1; w++) {
                    rows[i++] = ((long) t * grid.h() + h) * grid.w() + w;
                }
            }
        }
        return rows;
    }
}
