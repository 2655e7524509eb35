package io.lingen.core.nd4j;

import io.lingen.core.Shape;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Operations on the tokens of a grid. */
final class Tokens {
    private Tokens() {}

    /** Reorders [C, T pt, H ph, W pw] to [T H W, C pt ph pw]. */
    static INDArray patchify(INDArray video, PatchSize patch, Grid grid) {
        long channels = video.size(0);
        return video.reshape(channels, grid.t(), patch.t(), grid.h(), patch.h(), grid.w(), patch.w())
                .permute(1, 3, 5, 0, 2, 4, 6)
                .dup('c')
                .reshape(grid.cells(), channels * patch.cells());
    }

    /** Reorders [T H W, C pt ph pw] to [C, T pt, H ph, W pw]. */
    static INDArray unpatchify(INDArray tokens, PatchSize patch, Grid grid, Shape video) {
        return tokens.reshape(grid.t(), grid.h(), grid.w(), video.length(0), patch.t(), patch.h(), patch.w())
                .permute(3, 0, 4, 1, 5, 2, 6)
                .dup('c')
                .reshape(video.toArray());
    }

    /** Computes x[t, h, w] + tableT[t] + tableH[h] + tableW[w]. */
    static INDArray addPosition(INDArray x, INDArray tableT, INDArray tableH, INDArray tableW, Grid grid) {
        long d = x.size(1);
        return x.reshape(grid.t(), grid.h(), grid.w(), d)
                .add(Functions.rows(tableT, 0, grid.t()).reshape(grid.t(), 1, 1, d))
                .add(Functions.rows(tableH, 0, grid.h()).reshape(1, grid.h(), 1, d))
                .add(Functions.rows(tableW, 0, grid.w()).reshape(1, 1, grid.w(), d));
    }

    /** Returns the cosines and sines of each token for t, h and w, [T H W, sum of the widths]. */
    static INDArray angles(INDArray tableT, INDArray tableH, INDArray tableW, Grid grid) {
        INDArray[] axes = {
            Functions.rows(tableT, 0, grid.t()).reshape(grid.t(), 1, 1, tableT.size(1)),
            Functions.rows(tableH, 0, grid.h()).reshape(1, grid.h(), 1, tableH.size(1)),
            Functions.rows(tableW, 0, grid.w()).reshape(1, 1, grid.w(), tableW.size(1))
        };
        INDArray[] tokens = new INDArray[axes.length];
        for (int axis = 0; axis < axes.length; axis++) {
            INDArray zeros = Nd4j.create(DataType.FLOAT, grid.t(), grid.h(), grid.w(), axes[axis].size(3));
            tokens[axis] = zeros.add(axes[axis]).reshape(grid.cells(), axes[axis].size(3));
        }
        return Nd4j.concat(1, tokens);
    }

    /**
     * Rotates neighboring pairs (a, b) to (a cos - b sin, a sin + b cos).
     *
     * @param x [n, heads * d]
     * @param angles [n, d], cosines and sines alternating
     * @return n * heads * d elements in the order of x
     */
    static INDArray rotate(INDArray x, INDArray angles) {
        long pairs = angles.size(1) / 2;
        long heads = x.size(1) / angles.size(1);
        INDArray a = half(x, 0).reshape(x.size(0), heads, pairs);
        INDArray b = half(x, 1).reshape(x.size(0), heads, pairs);
        INDArray cos = half(angles, 0).reshape(x.size(0), 1, pairs);
        INDArray sin = half(angles, 1).reshape(x.size(0), 1, pairs);
        INDArray rotated = Nd4j.create(DataType.FLOAT, x.length() / 2, 2);
        Functions.columns(rotated, 0, 1).assign(a.mul(cos).sub(b.mul(sin)).reshape(x.length() / 2, 1));
        Functions.columns(rotated, 1, 1).assign(a.mul(sin).add(b.mul(cos)).reshape(x.length() / 2, 1));
        return rotated;
    }

    /** Returns the first or the second element of each pair of neighbors, as a new array. */
    private static INDArray half(INDArray x, int which) {
        return Functions.columns(x.reshape(x.length() / 2, 2), which, 1).dup('c');
    }

    /** Computes the mean of each block of the size of the kernel. Blocks at the end of an axis may be smaller. */
    static INDArray averagePool(INDArray x, Grid grid, Dims3 kernel) {
        INDArray video = x.reshape(grid.t(), grid.h(), grid.w(), x.size(1));
        Grid pooled = grid.dividedBy(kernel);
        INDArray out = Nd4j.create(x.dataType(), pooled.cells(), x.size(1));
        long cell = 0;
        for (int t = 0; t < pooled.t(); t++) {
            for (int h = 0; h < pooled.h(); h++) {
                for (int w = 0; w < pooled.w(); w++) {
                    INDArray block = video.get(
                            block(t, kernel.t(), grid.t()),
                            block(h, kernel.h(), grid.h()),
                            block(w, kernel.w(), grid.w()),
                            NDArrayIndex.all());
                    out.putRow(cell++, block.mean(0, 1, 2));
                }
            }
        }
        return out;
    }

    /** Repeats the cells of [T, H, W, C] to [T ft, H fh, W fw, C], cut to a shape. */
    static INDArray upsampleNearest(INDArray x, Dims3 factor, Shape out) {
        INDArray repeated = Nd4j.create(
                        x.dataType(), x.size(0), factor.t(), x.size(1), factor.h(), x.size(2), factor.w(), x.size(3))
                .add(x.reshape(x.size(0), 1, x.size(1), 1, x.size(2), 1, x.size(3)));
        return repeated.reshape(x.size(0) * factor.t(), x.size(1) * factor.h(), x.size(2) * factor.w(), x.size(3))
                .get(
                        NDArrayIndex.interval(0, out.length(0)),
                        NDArrayIndex.interval(0, out.length(1)),
                        NDArrayIndex.interval(0, out.length(2)),
                        NDArrayIndex.all());
    }

    private static INDArrayIndex block(int index, int length, int end) {
        return NDArrayIndex.interval((long) index * length, Math.min(end, (index + 1L) * length));
    }
}
