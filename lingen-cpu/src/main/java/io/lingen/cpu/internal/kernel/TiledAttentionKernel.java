package io.lingen.cpu.internal.kernel;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.Windows;
import io.lingen.cpu.internal.CpuTensor;
import io.lingen.cpu.internal.Memory;
import io.lingen.cpu.internal.Scratch;
import io.lingen.cpu.internal.WorkerPool;
import io.lingen.cpu.internal.WorkerPool.Worker;
import io.lingen.cpu.internal.span.Spans;
import org.jspecify.annotations.Nullable;

/**
 * Attention over tiles of queries and keys with a running softmax (Dao et al., "FlashAttention", 2022): the scores of all pairs are never
 * in memory. A tile's two products are a {@link MatrixKernel}'s.
 */
public final class TiledAttentionKernel implements AttentionKernel {
    private static final int QUERY_TILE = 128;
    private static final int KEY_TILE = 512;

    /** Added to the scores of masked keys: their weight is 0 beside any kept key's, and no infinities arise. */
    private static final float MASKED = -1e30f;

    private final WorkerPool pool;
    private final Spans spans;
    private final MatrixKernel matrix;

    public TiledAttentionKernel(WorkerPool pool, Spans spans, MatrixKernel matrix) {
        this.pool = pool;
        this.spans = spans;
        this.matrix = matrix;
    }

    @Override
    public void attention(Heads q, Heads k, Heads v, @Nullable Tensor mask, CpuTensor out) {
        int blocks = Math.toIntExact(Math.ceilDiv(q.tokens(), QUERY_TILE));
        pool.forEach(Math.multiplyExact(blocks, q.heads()), (task, worker) -> {
            int head = task / blocks;
            long first = (long) (task % blocks) * QUERY_TILE;
            int rows = (int) Math.min(QUERY_TILE, q.tokens() - first);
            attend(q, k, v, mask, head, first, rows, out, worker);
        });
    }

    private void attend(
            Heads q,
            Heads k,
            Heads v,
            @Nullable Tensor mask,
            int head,
            long first,
            int rows,
            CpuTensor out,
            Worker worker) {
        Scratch scratch = worker.scratch();
        int width = q.headDim();
        MatrixView queries = view(q, head, first, rows);
        RunningSoftmax softmax = new RunningSoftmax(spans, rows, width, scratch);
        long scores = scratch.floats((long) rows * KEY_TILE);
        long bias = scratch.floats(KEY_TILE);
        for (long key = 0; key < k.tokens(); key += KEY_TILE) {
            int keys = (int) Math.min(KEY_TILE, k.tokens() - key);
            if (mask != null && !maskBias(CpuTensor.addressOf(mask) + key * Float.BYTES, bias, keys)) {
                continue;
            }
            MatrixView tile = MatrixView.of(scores, DType.F32, rows, keys, keys);
            matrix.multiply(queries, transposed(view(k, head, key, keys)), tile, false, worker);
            for (int row = 0; mask != null && row < rows; row++) {
                spans.add(tile.at(row, 0), bias, tile.at(row, 0), keys);
            }
            softmax.weigh(tile);
            matrix.multiply(tile, view(v, head, key, keys), softmax.sums(), softmax.accumulates(), worker);
        }
        for (int row = 0; row < rows; row++) {
            long target = out.rowAddress(first + row)
                    + (long) head * width * out.dtype().bytes();
            spans.store(softmax.result(row), target, out.dtype(), width);
        }
    }

    /** Writes 0 for kept keys, a large negative number for others; false when no key is kept. */
    private static boolean maskBias(long mask, long bias, int keys) {
        boolean any = false;
        for (int i = 0; i < keys; i++) {
            boolean kept = Memory.getFloat(mask + (long) i * Float.BYTES) != 0;
            Memory.setFloat(bias + (long) i * Float.BYTES, kept ? 0 : MASKED);
            any |= kept;
        }
        return any;
    }

    @Override
    public void windowAttention(
            Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable Tensor bias, CpuTensor out) {
        int[] cutsT = windows.cuts(grid, 0);
        int[] cutsH = windows.cuts(grid, 1);
        int[] cutsW = windows.cuts(grid, 2);
        int countW = cutsW.length - 1;
        int countHw = (cutsH.length - 1) * countW;
        int count = (cutsT.length - 1) * countHw;
        pool.forEach(Math.multiplyExact(count, q.heads()), (task, worker) -> {
            int window = task / q.heads();
            int t = window / countHw;
            int h = window % countHw / countW;
            int w = window % countW;
            Box box = new Box(cutsT[t], cutsH[h], cutsW[w], cutsT[t + 1], cutsH[h + 1], cutsW[w + 1]);
            RelativeBias offsets =
                    bias == null ? null : new RelativeBias(CpuTensor.addressOf(bias), windows.size(), task % q.heads());
            attend(q, k, v, grid, box, offsets, task % q.heads(), out, worker);
        });
    }

    /** The tokens of a window: lower bounds inclusive, upper exclusive. */
    private record Box(int t0, int h0, int w0, int t1, int h1, int w1) {
        int tokens() {
            return (t1 - t0) * (h1 - h0) * (w1 - w0);
        }
    }

    private void attend(
            Heads q,
            Heads k,
            Heads v,
            Grid grid,
            Box box,
            @Nullable RelativeBias bias,
            int head,
            CpuTensor out,
            Worker worker) {
        Scratch scratch = worker.scratch();
        int tokens = box.tokens();
        int width = q.headDim();
        long[] rows = rows(grid, box);
        MatrixView queries = gather(q, head, rows, scratch);
        MatrixView keys = transposed(gather(k, head, rows, scratch));
        MatrixView values = gather(v, head, rows, scratch);
        int tile = Math.min(tokens, QUERY_TILE);
        long scores = scratch.floats((long) tile * tokens);
        long biasRow = scratch.floats(tokens);
        for (int first = 0; first < tokens; first += tile) {
            long mark = scratch.mark();
            int count = Math.min(tile, tokens - first);
            MatrixView part = MatrixView.of(queries.at(first, 0), DType.F32, count, width, width);
            MatrixView weights = MatrixView.of(scores, DType.F32, count, tokens, tokens);
            matrix.multiply(part, keys, weights, false, worker);
            RunningSoftmax softmax = new RunningSoftmax(spans, count, width, scratch);
            if (bias != null) {
                float unscale = (float) Math.sqrt(width);
                for (int row = 0; row < count; row++) {
                    bias.row(grid, rows, first + row, biasRow);
                    // The softmax scales the scores when it exponentiates; the bias is not to be scaled.
                    spans.addScaled(unscale, biasRow, weights.at(row, 0), tokens);
                }
            }
            softmax.weigh(weights);
            matrix.multiply(weights, values, softmax.sums(), false, worker);
            for (int row = 0; row < count; row++) {
                long target = out.rowAddress(rows[first + row])
                        + (long) head * width * out.dtype().bytes();
                spans.store(softmax.result(row), target, out.dtype(), width);
            }
            scratch.release(mark);
        }
    }

    private static long[] rows(Grid grid, Box box) {
        long[] rows = new long[box.tokens()];
        int i = 0;
        for (int t = box.t0; t < box.t1; t++) {
            for (int h = box.h0; h < box.h1; h++) {
                for (int w = box.w0; w < box.w1; w++) {
                    rows[i++] = ((long) t * grid.h() + h) * grid.w() + w;
                }
            }
        }
        return rows;
    }

    private MatrixView gather(Heads heads, int head, long[] rows, Scratch scratch) {
        CpuTensor matrix = CpuTensor.of(heads.matrix());
        int width = heads.headDim();
        long target = scratch.floats((long) rows.length * width);
        long column = (heads.column() + (long) head * width) * matrix.dtype().bytes();
        for (int i = 0; i < rows.length; i++) {
            long to = target + (long) i * width * Float.BYTES;
            spans.load(matrix.rowAddress(rows[i]) + column, matrix.dtype(), to, width);
        }
        return MatrixView.of(target, DType.F32, rows.length, width, width);
    }

    private static MatrixView view(Heads heads, int head, long first, int rows) {
        CpuTensor matrix = CpuTensor.of(heads.matrix());
        long column = heads.column() + (long) head * heads.headDim();
        return MatrixView.of(
                matrix.rowAddress(first) + column * matrix.dtype().bytes(),
                matrix.dtype(),
                rows,
                heads.headDim(),
                matrix.shape().last());
    }

    private static MatrixView transposed(MatrixView view) {
        return MatrixView.transposed(view.address(), view.dtype(), view.columns(), view.rows(), view.stride());
    }
}
