package io.lingen.cuda.internal.op;

import io.lingen.core.Shape;
import io.lingen.core.op.ConvolutionParameters;
import org.jspecify.annotations.Nullable;

/**
 * The division of a video into boxes of 256 cells, for convolutions with warpgroup instructions. The lengths of a box are powers of two.
 *
 * @param t the base-2 logarithm of the length of a box along time
 * @param h the base-2 logarithm of the length of a box along height
 * @param w the base-2 logarithm of the length of a box along width
 * @param count the number of boxes
 * @param patchCells the number of input cells of a box
 */
record Boxes(int t, int h, int w, long count, int patchCells) {
    private static final int LOG_CELLS = 8;
    /** The number of input cells that fit the shared memory of the kernel. */
    static final int MAX_PATCH_CELLS = 384;

    /** Returns the division with the fewest boxes, then with the smallest patches, or null if all patches are too large. */
    static @Nullable Boxes of(ConvolutionParameters source, Shape out) {
        Boxes best = null;
        for (int t = 0; t <= LOG_CELLS; t++) {
            for (int h = 0; t + h <= LOG_CELLS; h++) {
                int w = LOG_CELLS - t - h;
                int cells = side(t, source.kernel().t())
                        * side(h, source.kernel().h())
                        * side(w, source.kernel().w());
                long count = Math.ceilDiv(out.length(0), 1L << t)
                        * Math.ceilDiv(out.length(1), 1L << h)
                        * Math.ceilDiv(out.length(2), 1L << w);
                if (cells <= MAX_PATCH_CELLS
                        && (best == null || count < best.count || (count == best.count && cells < best.patchCells))) {
                    best = new Boxes(t, h, w, count, cells);
                }
            }
        }
        return best;
    }

    private static int side(int log, int kernel) {
        return Math.min(MAX_PATCH_CELLS + 1, (1 << log) + kernel - 1);
    }
}
