package io.lingen.cuda.internal.op;

import io.lingen.core.Shape;
import io.lingen.core.op.ConvolutionParameters;
import org.jspecify.annotations.Nullable;

/**
 * How a video is cut for a convolution by products of warpgroups: boxes of 256 cells whose sides are powers of two.
 *
 * @param t the logarithm to base 2 of a box's length along time; likewise h, w
 * @param count of boxes
 * @param patchCells the cells that a box's taps reach
 */
record Boxes(int t, int h, int w, long count, int patchCells) {
    private static final int LOG_CELLS = 8;
    /** As many as the kernel has room for. */
    static final int MOST_PATCH_CELLS = 384;

    /** As few boxes as can be, of those the ones with the smallest patches; null where all patches are too large. */
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
                if (cells <= MOST_PATCH_CELLS
                        && (best == null || count < best.count || (count == best.count && cells < best.patchCells))) {
                    best = new Boxes(t, h, w, count, cells);
                }
            }
        }
        return best;
    }

    private static int side(int log, int kernel) {
        return Math.min(MOST_PATCH_CELLS + 1, (1 << log) + kernel - 1);
    }
}
