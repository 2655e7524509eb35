package io.lingen.wan.internal.vae;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import org.jspecify.annotations.Nullable;

/**
 * The conversion between frames and the cells of the network's pixel side. A cell is a square of pixels. Its channels are ordered by
 * color, column, row; {@link PatchSize} orders them by color, row, column, so a permutation follows. It is a linear layer in F32, which
 * is exact and needs no extra backend operation. Thread-safe.
 */
final class PixelCells {
    private final PatchSize patch;
    private final int channels;
    private final @Nullable Linear transposition; // exchanges rows and columns; its own inverse

    PixelCells(ModelWeights weights, WanVaeConfig config) {
        int side = config.patch();
        this.patch = new PatchSize(1, side, side);
        this.channels = config.pixelChannels();
        if (side == 1) {
            this.transposition = null;
            return;
        }
        float[] matrix = new float[channels * channels];
        for (int c = 0; c < channels; c++) {
            int pixel = c % (side * side);
            int exchanged = c - pixel + pixel % side * side + pixel / side;
            matrix[c * channels + exchanged] = 1;
        }
        this.transposition = weights.withPrecision(DType.F32).linear(HostTensor.of(matrix, channels, channels), null);
    }

    /** Converts a video [3, F, H, W] to cells [F, H / side, W / side, channels] in F32, which the clip owns. */
    Tensor cells(Tensor video, CausalClip clip) {
        Grid grid = patch.gridOf(video.shape());
        Tensor cells = clip.allocate(DType.F32, Shape.of(grid.t(), grid.h(), grid.w(), channels));
        clip.backend().patchify(video, patch, cells);
        return transposed(cells, clip);
    }

    /** Converts cells [F, H / side, W / side, channels] in F32 to a video [3, F, H, W] in F32. Frees the cells; the clip owns the video. */
    Tensor video(Tensor cells, CausalClip clip) {
        Shape shape = cells.shape();
        Grid grid = new Grid((int) shape.length(0), (int) shape.length(1), (int) shape.length(2));
        Tensor ordered = transposed(cells, clip);
        Tensor video = clip.allocate(DType.F32, patch.videoOf(channels / patch.cells(), grid));
        clip.backend().unpatchify(ordered, patch, video);
        clip.free(ordered);
        return video;
    }

    private Tensor transposed(Tensor cells, CausalClip clip) {
        if (transposition == null) {
            return cells;
        }
        Tensor out = clip.allocate(DType.F32, cells.shape());
        transposition.apply(cells, Epilogue.NONE, out);
        clip.free(cells);
        return out;
    }
}
