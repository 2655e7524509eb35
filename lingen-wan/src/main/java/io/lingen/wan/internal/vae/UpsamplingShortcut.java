package io.lingen.wan.internal.vae;

import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import io.lingen.wan.internal.vae.WanVaeConfig.Stage;

/**
 * A shortcut without weights around an upsampling stage. Groups of neighboring channels become the frames, rows and columns of one channel
 * ({@link Stage#shuffled}); what is then left of the factor repeats cells ({@link Stage#repeated}).
 */
final class UpsamplingShortcut {
    private final Dims3 factor;
    private final PatchSize shuffled;
    private final Dims3 repeated;
    private final int out;

    UpsamplingShortcut(Stage stage) {
        Dims3 cells = stage.shuffled();
        this.factor = stage.factor();
        this.shuffled = new PatchSize(cells.t(), cells.h(), cells.w());
        this.repeated = stage.repeated();
        this.out = stage.out();
    }

    /**
     * Adds the upsampled x [T, H, W, in] to y [T * factor, H * factor, W * factor, out]. Of the frames that the first frame of a clip gives,
     * only the last is added.
     */
    void addTo(Tensor x, Tensor y, CausalClip clip) {
        Backend backend = clip.backend();
        Shape shape = x.shape();
        long dropped = clip.isFirstPiece() ? factor.t() - 1 : 0;
        Grid grid = new Grid(shuffled.t(), (int) shape.length(1) * shuffled.h(), (int) shape.length(2) * shuffled.w());
        Tensor enlarged =
                clip.allocate(Shape.of(factor.t(), shape.length(1) * factor.h(), shape.length(2) * factor.w(), out));
        for (long t = 0; t < shape.length(0); t++) {
            Tensor cells = x.slice(t, t + 1);
            if (shuffled.cells() > 1) {
                cells = shuffle(cells, grid, clip);
            }
            backend.upsampleNearest(cells, repeated, enlarged);
            if (shuffled.cells() > 1) {
                clip.free(cells);
            }
            long first = t == 0 ? dropped : 0;
            Tensor frames = enlarged.slice(first, factor.t());
            Tensor target = y.slice(t * factor.t() - dropped + first, (t + 1) * factor.t() - dropped);
            backend.add(target, frames, target);
        }
        clip.free(enlarged);
    }

    /** {@return [1, H, W, in] as the frames [t, h, w, out] of a grid} */
    private Tensor shuffle(Tensor frame, Grid grid, CausalClip clip) {
        Backend backend = clip.backend();
        Tensor planes = clip.allocate(Shape.of(out, grid.t(), grid.h(), grid.w()));
        backend.unpatchify(frame, shuffled, planes);
        Tensor cells = clip.allocate(Shape.of(grid.t(), grid.h(), grid.w(), out));
        backend.patchify(planes, PatchSize.ONE, cells);
        clip.free(planes);
        return cells;
    }
}
