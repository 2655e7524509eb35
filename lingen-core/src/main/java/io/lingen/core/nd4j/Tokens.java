package io.lingen.core.nd4j;

import io.lingen.core.Shape;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
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

    /** Repeats the cells of [T, H, W, C] to [T ft, H fh, W fw, C]. */
    static INDArray upsampleNearest(INDArray x, Dims3 factor) {
        INDArray repeated = Nd4j.create(
                x.dataType(), x.size(0), factor.t(), x.size(1), factor.h(), x.size(2), factor.w(), x.size(3));
        return repeated.add(x.reshape(x.size(0), 1, x.size(1), 1, x.size(2), 1, x.size(3)));
    }

    private static INDArrayIndex block(int index, int length, int end) {
        return NDArrayIndex.interval((long) index * length, Math.min(end, (index + 1L) * length));
    }
}
