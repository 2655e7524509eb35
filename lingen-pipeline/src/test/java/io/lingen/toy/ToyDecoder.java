package io.lingen.toy;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.layer.Linear;
import io.lingen.core.layer.ModelWeights;
import io.lingen.core.op.Dims3;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.Grid;
import io.lingen.core.op.PatchSize;
import io.lingen.vae.FrameStream;
import io.lingen.vae.VideoDecoder;
import java.util.Map;

/** A decoder of each cell to one color of 4x4 pixels. It interpolates three frames between two latent frames. */
final class ToyDecoder implements VideoDecoder {
    private static final int FACTOR = 4;

    private final Backend backend;
    private final Workspace packed;
    private final Linear colours; // C -> RGB

    ToyDecoder(ModelWeights weights) {
        this.backend = weights.backend();
        this.packed = weights.workspace();
        this.colours = weights.linear("colours", ToyDenoiser.CHANNELS, 3);
    }

    /** The tensors of a checkpoint. */
    static Map<String, long[]> shapes() {
        return Map.of("colours.weight", new long[] {3, ToyDenoiser.CHANNELS}, "colours.bias", new long[] {3});
    }

    @Override
    public int latentChannels() {
        return ToyDenoiser.CHANNELS;
    }

    @Override
    public Grid framesOf(Grid latent) {
        return new Grid(1 + FACTOR * (latent.t() - 1), FACTOR * latent.h(), FACTOR * latent.w());
    }

    @Override
    public FrameStream frames(Tensor latent, FrameStream.Guard guard) {
        Shape shape = latent.shape();
        Grid cells = new Grid((int) shape.length(1), (int) shape.length(2), (int) shape.length(3));
        Workspace memory = backend.newWorkspace();
        Tensor copied = memory.allocate(DType.F32, cells.t(), cells.h(), cells.w(), shape.length(0));
        backend.patchify(latent, PatchSize.ONE, copied); // [T, H, W, C]
        return new Frames(copied, cells, memory, guard);
    }

    private final class Frames extends FrameStream {
        private final Tensor latents;
        private final Grid cells;
        private final Workspace memory;
        private final Tensor mixed; // [1, h, w, C]
        private final Tensor small; // [1, h, w, 3]
        private final Tensor frame; // [1, H, W, 3]

        Frames(Tensor latents, Grid cells, Workspace memory, Guard guard) {
            super(backend, framesOf(cells), guard);
            this.latents = latents;
            this.cells = cells;
            this.memory = memory;
            this.mixed = memory.allocate(DType.F32, 1, cells.h(), cells.w(), ToyDenoiser.CHANNELS);
            this.small = memory.allocate(DType.F32, 1, cells.h(), cells.w(), 3);
            this.frame = memory.allocate(DType.F32, 1, FACTOR * cells.h(), FACTOR * cells.w(), 3);
        }

        @Override
        protected Tensor take(int index) {
            int from = index / FACTOR;
            int to = Math.min(from + 1, cells.t() - 1);
            backend.interpolate(
                    latents.slice(from, from + 1), latents.slice(to, to + 1), (float) (index % FACTOR) / FACTOR, mixed);
            colours.apply(mixed, Epilogue.NONE, small);
            backend.upsampleNearest(small, new Dims3(1, FACTOR, FACTOR), frame);
            return frame;
        }

        @Override
        protected void free() {
            memory.close();
        }
    }

    @Override
    public void close() {
        packed.close();
    }
}
