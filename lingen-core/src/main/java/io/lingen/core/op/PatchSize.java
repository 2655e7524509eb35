package io.lingen.core.op;

import io.lingen.core.Shape;

/**
 * The size of the patch that makes one token. The row of a token is its patch flattened as (channel, t, h, w).
 *
 * @param t the number of frames, at least 1
 * @param h the number of rows, at least 1
 * @param w the number of columns, at least 1
 */
public record PatchSize(int t, int h, int w) {
    /** A single cell, for which patchify is a transposition to channels-last. */
    public static final PatchSize ONE = new PatchSize(1, 1, 1);

    /**
     * Checks the lengths.
     *
     * @throws IllegalArgumentException if one is below 1
     */
    public PatchSize {
        if (t < 1 || h < 1 || w < 1) {
            throw new IllegalArgumentException("lengths of a patch must be at least 1, found " + t + "x" + h + "x" + w);
        }
    }

    /** {@return the number of cells of a patch} */
    public int cells() {
        return t * h * w;
    }

    /**
     * {@return the grid of tokens of a video}
     *
     * @param video the video's shape [C, T, H, W]
     * @throws IllegalArgumentException if T, H or W is not a multiple of the patch
     */
    public Grid gridOf(Shape video) {
        if (video.rank() != 4 || video.length(1) % t != 0 || video.length(2) % h != 0 || video.length(3) % w != 0) {
            throw new IllegalArgumentException("video [C, T, H, W] must have lengths that are multiples of the patch "
                    + t + "x" + h + "x" + w + ", found " + video);
        }
        return new Grid((int) (video.length(1) / t), (int) (video.length(2) / h), (int) (video.length(3) / w));
    }

    /**
     * {@return the shape [C, T, H, W] of the video that a grid of tokens makes}
     *
     * @param channels C
     * @param grid the grid of tokens
     */
    public Shape videoOf(long channels, Grid grid) {
        return Shape.of(channels, (long) grid.t() * t, (long) grid.h() * h, (long) grid.w() * w);
    }
}
