package io.lingen.wan.internal.vae;

import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import io.lingen.wan.internal.vae.WanVaeConfig.Stage;

/**
 * A shortcut without weights around a stage of the encoder: the inverse of {@link UpsamplingShortcut}. Blocks of cells are averaged ({@link
 * Stage#repeated}), then blocks of averages become neighboring channels ({@link Stage#shuffled}). Where the number of frames is halved, a
 * frame of zeros precedes the clip.
 */
final class DownsamplingShortcut {
    private final Stage stage;
    private final PatchSize shuffled;
    private final Dims3 averaged;

    DownsamplingShortcut(Stage stage) {
        Dims3 cells = stage.shuffled();
        this.stage = stage;
        this.shuffled = new PatchSize(cells.t(), cells.h(), cells.w());
        this.averaged = stage.repeated();
    }

    /** {@return the downsampled x [T, H, W, in] as [T / factor, H / factor, W / factor, out]} */
    Tensor apply(Tensor x, CausalClip clip) {
        Backend backend = clip.backend();
        Shape shape = x.shape();
        Tensor frames = x;
        int zeros = clip.isFirstPiece() ? stage.factor().t() - 1 : 0;
        if (zeros > 0) {
            frames = clip.allocate(shape.withFirst(zeros + shape.length(0)));
            clip.zero(frames.slice(0, zeros));
            backend.copy(x, frames.slice(zeros, frames.shape().length(0)));
        }
        Grid grid = gridOf(frames.shape());
        Grid pooledGrid = grid.dividedBy(averaged);
        Tensor pooled = clip.allocate(Shape.of(pooledGrid.cells(), stage.in()));
        backend.averagePool(frames.reshape(Shape.of(grid.cells(), stage.in())), grid, averaged, pooled);
        if (zeros > 0) {
            clip.free(frames);
        }
        Grid outGrid = grid.dividedBy(stage.factor());
        Shape outShape = Shape.of(outGrid.t(), outGrid.h(), outGrid.w(), stage.out());
        if (shuffled.cells() == 1) {
            Tensor out = clip.allocate(outShape);
            backend.copy(pooled, out);
            clip.free(pooled);
            return out;
        }
        Tensor planes = clip.allocate(Shape.of(stage.in(), pooledGrid.t(), pooledGrid.h(), pooledGrid.w()));
        backend.unpatchify(pooled, PatchSize.ONE, planes);
        clip.free(pooled);
        Tensor out = clip.allocate(outShape);
        backend.patchify(planes, shuffled, out);
        clip.free(planes);
        return out;
    }

    private static Grid gridOf(Shape shape) {
        return new Grid((int) shape.length(0), (int) shape.length(1), (int) shape.length(2));
    }
}
