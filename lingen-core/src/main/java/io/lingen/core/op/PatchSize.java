package io.lingen.core.op;

import io.lingen.core.Shape;

/**
 * The cells of a video that make one token. A token's row is its patch flattened as (channel, t, h, w).
 *
 * @param t frames, at least 1
 * @param h rows, at least 1
 * @param w columns, at least 1
 */
public record PatchSize(int t, int h, int w) {
    /** One token per cell: patchify is then a transposition to channels-last. */
    public static final PatchSize ONE = new PatchSize(1, 1, 1);

    public PatchSize {
        if (t < 1 || h < 1 || w < 1) {
            throw new IllegalArgumentException("a patch's lengths are at least 1, found " + t + "x" + h + "x" + w);
        }
    }

    /** The number of cells in a patch. */
    public int cells() {
        return t * h * w;
    }

    /**
     * The grid of tokens of a video [C, T, H, W].
     *
     * @throws IllegalArgumentException if T, H or W is not a multiple of the patch's
     */
    public Grid gridOf(Shape video) {
        if (video.rank() != 4 || video.length(1) % t != 0 || video.length(2) % h != 0 || video.length(3) % w != 0) {
            throw new IllegalArgumentException(
                    "a video [C, T, H, W] of " + video + " is not cut into whole patches of " + t + "x" + h + "x" + w);
        }
        return new Grid((int) (video.length(1) / t), (int) (video.length(2) / h), (int) (video.length(3) / w));
    }

    /** The video [C, T, H, W] that a grid of tokens with the given channels makes. */
    public Shape videoOf(long channels, Grid grid) {
        return Shape.of(channels, (long) grid.t() * t, (long) grid.h() * h, (long) grid.w() * w);
    }
}
