package io.lingen.core.nd4j;

import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.core.op.Heads;
import io.lingen.core.op.Windows;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Full attention, window attention and linear attention. */
final class Attention {
    private Attention() {}

    /**
     * Computes softmax(q k^T / sqrt(headDim) + added) v for each head.
     *
     * @param q [n, heads * headDim]
     * @param k [m, heads * headDim]
     * @param v [m, heads * headDim]
     * @param added matrices that broadcast to [n, m]: one for all heads, or one per head; null for none
     * @return [n, heads * headDim]
     */
    static INDArray attention(INDArray q, INDArray k, INDArray v, int heads, INDArray @Nullable [] added) {
        INDArray out = Nd4j.create(DataType.FLOAT, q.shape());
        long headDim = q.size(1) / heads;
        for (int head = 0; head < heads; head++) {
            INDArray query = Functions.columns(q, head * headDim, headDim);
            INDArray key = Functions.columns(k, head * headDim, headDim);
            INDArray value = Functions.columns(v, head * headDim, headDim);
            INDArray scores = query.mmul(key.transpose()).div(Math.sqrt(headDim));
            if (added != null) {
                scores = scores.add(added[head % added.length]);
            }
            Functions.columns(out, head * headDim, headDim)
                    .assign(Functions.softmax(scores).mmul(value));
        }
        return out;
    }

    /**
     * Computes linear attention for each head: S R q' / (z . q' + 1e-15), with q' = ReLU(q), k' = ReLU(k), R the rotation of a token, S the
     * sum of v (R k')^T, and z the sum of k'.
     *
     * @param q [n, heads * headDim]
     * @param k [n, heads * headDim]
     * @param v [n, heads * headDim]
     * @param angles [n, headDim], cosines and sines alternating
     * @return [n, heads * headDim]
     */
    static INDArray linear(INDArray q, INDArray k, INDArray v, int heads, INDArray angles) {
        INDArray out = Nd4j.create(DataType.FLOAT, q.shape());
        long headDim = q.size(1) / heads;
        INDArray queries = Transforms.max(q, 0);
        INDArray keys = Transforms.max(k, 0);
        INDArray rotatedQueries = Tokens.rotate(queries, angles).reshape(q.shape());
        INDArray rotatedKeys = Tokens.rotate(keys, angles).reshape(k.shape());
        for (int head = 0; head < heads; head++) {
            long column = head * headDim;
            INDArray state = Functions.columns(rotatedKeys, column, headDim)
                    .transpose()
                    .mmul(Functions.columns(v, column, headDim));
            INDArray total = Functions.columns(keys, column, headDim)
                    .dup('c')
                    .sum(true, 0)
                    .transpose();
            INDArray divisor =
                    Functions.columns(queries, column, headDim).mmul(total).add(1e-15);
            INDArray product =
                    Functions.columns(rotatedQueries, column, headDim).mmul(state);
            Functions.columns(out, column, headDim).assign(product.div(divisor));
        }
        return out;
    }

    /** Returns the bias of the scores for the weights of the keys, [1, m]: their logarithms, -infinity for 0. */
    static INDArray[] logarithms(INDArray weights) {
        return new INDArray[] {Transforms.log(weights)};
    }

    /** Computes attention inside each window of a grid. The bias is [heads, offsets] or null. */
    static INDArray windows(Heads q, Heads k, Heads v, Grid grid, Windows windows, @Nullable INDArray bias) {
        INDArray out = Nd4j.create(DataType.FLOAT, grid.t(), grid.h(), grid.w(), q.width());
        INDArray queries = onGrid(q, grid);
        INDArray keys = onGrid(k, grid);
        INDArray values = onGrid(v, grid);
        int[] cutsT = windows.cuts(grid, 0);
        int[] cutsH = windows.cuts(grid, 1);
        int[] cutsW = windows.cuts(grid, 2);
        for (int t = 1; t < cutsT.length; t++) {
            for (int h = 1; h < cutsH.length; h++) {
                for (int w = 1; w < cutsW.length; w++) {
                    Grid size = new Grid(cutsT[t] - cutsT[t - 1], cutsH[h] - cutsH[h - 1], cutsW[w] - cutsW[w - 1]);
                    INDArrayIndex[] window = {
                        NDArrayIndex.interval(cutsT[t - 1], cutsT[t]),
                        NDArrayIndex.interval(cutsH[h - 1], cutsH[h]),
                        NDArrayIndex.interval(cutsW[w - 1], cutsW[w]),
                        NDArrayIndex.all()
                    };
                    INDArray y = attention(
                            cells(queries.get(window), size),
                            cells(keys.get(window), size),
                            cells(values.get(window), size),
                            q.heads(),
                            bias == null ? null : relative(bias, size, windows.size()));
                    out.get(window).assign(y.reshape(size.t(), size.h(), size.w(), q.width()));
                }
            }
        }
        return out;
    }

    /** Returns the columns of heads as [t, h, w, width] in F32. */
    private static INDArray onGrid(Heads heads, Grid grid) {
        return columns(heads).reshape(grid.t(), grid.h(), grid.w(), heads.width());
    }

    /** Returns a copy of the columns of heads as [tokens, width] in F32. */
    static INDArray columns(Heads heads) {
        return Functions.columns(Nd4jTensor.of(heads.matrix()).matrix(), heads.column(), heads.width())
                .dup('c');
    }

    private static INDArray cells(INDArray window, Grid size) {
        return window.dup('c').reshape(size.cells(), window.size(3));
    }

    /** Returns the bias of every (query, key) pair of a window, for each head [cells, cells]. */
    private static INDArray[] relative(INDArray bias, Grid size, Dims3 full) {
        int cells = (int) size.cells();
        int[] offsets = new int[cells * cells];
        for (int query = 0; query < cells; query++) {
            for (int key = 0; key < cells; key++) {
                int index = 0;
                for (int axis = 0; axis < 3; axis++) {
                    long offset =
                            query / size.stride(axis) % size.length(axis) - key / size.stride(axis) % size.length(axis);
                    index = index * (2 * full.length(axis) - 1) + (int) offset + full.length(axis) - 1;
                }
                offsets[query * cells + key] = index;
            }
        }
        INDArray[] perHead = new INDArray[(int) bias.size(0)];
        INDArray byOffset = bias.transpose().dup('c'); // [offsets, heads]
        INDArray pairs = Nd4j.pullRows(byOffset, 1, offsets); // [pairs, heads]
        for (int head = 0; head < perHead.length; head++) {
            perHead[head] = Functions.columns(pairs, head, 1).dup('c').reshape(cells, cells);
        }
        return perHead;
    }
}
