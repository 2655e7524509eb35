package io.lingen.vae;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Grid;
import io.lingen.vae.TemporalTiling.Tile;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The frames of a video, decoded tile by tile on demand. Holds the latents, one decoded tile and the frames that it is blended with; only
 * the latents grow with the video's length. The first frame of a tile takes as long as the whole tile.
 *
 * <p>Tiles are stored as patches until their frames are taken. Frames are blended and rounded on the backend, so the host receives one byte
 * per color.
 */
final class TiledFrames extends FrameStream {
    private final LatentVideoDecoder decoder;
    private final Backend backend;
    private final Tensor latents;
    private final Workspace memory;
    private final List<Tile> tiles;
    private final int framesPerLatent;
    private final PatchPixels pixels;
    private @Nullable Tensor carried;
    private @Nullable Workspace tileMemory;
    private @Nullable Tensor tilePatches;
    private int tilesDone;

    /**
     * Creates a stream at the first frame.
     *
     * @param latents [T, H, W, C]
     * @param memory owns the latents; this stream closes it
     */
    TiledFrames(LatentVideoDecoder decoder, Tensor latents, Workspace memory, Guard guard) {
        super(decoder.backend(), sizeOf(decoder, latents.shape()), guard);
        AutoencoderConfig config = decoder.config();
        Shape shape = latents.shape();
        Grid size = sizeOf(decoder, shape);
        this.decoder = decoder;
        this.backend = decoder.backend();
        this.latents = latents;
        this.memory = memory;
        this.framesPerLatent = config.compression().t();
        this.tiles = config.tiling().plan(Math.toIntExact(shape.length(0)), framesPerLatent);
        Tile first = tiles.get(0);
        int shared = (first.carryTo() - first.finalTo()) / config.patch().t();
        this.pixels = new PatchPixels(backend, memory, config.patch(), size, shared > 0);
        this.carried = shared == 0 ? null : memory.allocate(DType.F32, pixels.patches(shared));
    }

    private static Grid sizeOf(LatentVideoDecoder decoder, Shape latents) {
        return decoder.framesOf(new Grid(
                Math.toIntExact(latents.length(0)),
                Math.toIntExact(latents.length(1)),
                Math.toIntExact(latents.length(2))));
    }

    @Override
    protected Tensor take(int index) {
        while (tilesDone == 0 || index >= tiles.get(tilesDone - 1).finalTo()) {
            decodeNextTile();
        }
        Tensor patches = Objects.requireNonNull(tilePatches);
        Tile tile = tiles.get(tilesDone - 1);
        int patchFrames = pixels.patch().t();
        int inPatch = index % patchFrames;
        if (inPatch == 0) {
            int row = (index - tile.fromLatent() * framesPerLatent) / patchFrames;
            pixels.setPatches(patches.slice(row, row + 1));
            if (carried != null && index < tile.blendTo()) {
                int shared = (index - tile.keepFrom()) / patchFrames;
                pixels.setEarlierPatches(carried.slice(shared, shared + 1));
            }
        }
        float weight = TemporalTiling.laterWeight(index - tile.keepFrom(), tile.blendTo() - tile.keepFrom());
        return pixels.frame(inPatch, weight);
    }

    private void decodeNextTile() {
        if (carried != null && tilePatches != null) {
            Tile before = tiles.get(tilesDone - 1);
            int start = before.fromLatent() * framesPerLatent;
            int patchFrames = pixels.patch().t();
            backend.copy(
                    tilePatches.slice(
                            (before.finalTo() - start) / patchFrames, (before.carryTo() - start) / patchFrames),
                    carried);
        }
        closeTile();
        Tile tile = tiles.get(tilesDone);
        tileMemory = backend.newWorkspace();
        tilePatches = decoder.decodeTile(latents.slice(tile.fromLatent(), tile.toLatent()), tileMemory);
        tilesDone++;
    }

    private void closeTile() {
        tilePatches = null;
        if (tileMemory != null) {
            tileMemory.close();
            tileMemory = null;
        }
    }

    @Override
    protected void free() {
        closeTile();
        carried = null;
        memory.close();
    }
}
