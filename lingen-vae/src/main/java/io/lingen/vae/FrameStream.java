package io.lingen.vae;

import io.lingen.core.Backend;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.op.Grid;
import io.lingen.vae.TemporalTiling.Tile;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * The frames of a clip, decoded tile by tile as they are asked for. Holds one decoded tile, the frames that the next one is blended with,
 * and the latents; the memory does not grow with the clip's length but for those latents. A frame that is the first of a tile takes as
 * long as the tile. Used by one thread at a time.
 */
public final class FrameStream implements Iterator<Frame>, AutoCloseable {
    private final LatentVideoDecoder decoder;
    private final Backend backend;
    private final Tensor latents;
    private final Grid size;
    private final List<Tile> tiles;
    private final int framesPerLatent;
    private final Workspace memory;
    private @Nullable Tensor carried;
    private @Nullable Workspace tileMemory;
    private @Nullable Tensor tileFrames;
    private int tilesDone;
    private int nextFrame;
    private boolean closed;

    /** @param memory owns the latents [T, H, W, C]; this stream's from here on */
    FrameStream(LatentVideoDecoder decoder, Tensor latents, Grid grid, Workspace memory) {
        this.decoder = decoder;
        this.backend = decoder.backend();
        this.latents = latents;
        this.memory = memory;
        this.size = decoder.config().framesOf(grid);
        this.framesPerLatent = decoder.config().compression(0);
        TemporalTiling tiling = decoder.config().tiling();
        this.tiles = tiling.plan(grid.t(), framesPerLatent);
        Tile first = tiles.get(0);
        int shared = first.carryTo() - first.finalTo();
        this.carried = shared == 0 ? null : memory.allocate(DType.F32, shared, size.h(), size.w(), 3);
    }

    /** The number of frames of the clip, those already taken included. */
    public int frameCount() {
        return size.t();
    }

    /** In pixels. */
    public int width() {
        return size.w();
    }

    /** In pixels. */
    public int height() {
        return size.h();
    }

    @Override
    public boolean hasNext() {
        return nextFrame < size.t();
    }

    /**
     * The next frame, rounded to 8 bits: [-1, 1] becomes 0 to 255, what lies beyond is clamped.
     *
     * @throws NoSuchElementException after the last frame
     * @throws IllegalStateException if the stream is closed, or a pixel is not a number
     */
    @Override
    public Frame next() {
        int index = nextFrame;
        float[] values = nextValues().toFloats(); // [H, W, 3]
        byte[] rgb = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            float value = values[i];
            if (Float.isNaN(value)) {
                throw new IllegalStateException("frame " + index + ": found pixels that are not numbers, expected"
                        + " numbers around [-1, 1]; are the latents finite, and does precision F32 help?");
            }
            rgb[i] = (byte) Math.round(Math.clamp((value + 1) * 127.5f, 0f, 255f));
        }
        return new Frame(size.w(), size.h(), rgb);
    }

    /**
     * The next frame as the decoder made it, in place of {@link #next}.
     *
     * @return [height, width, 3] in F32, nominally in [-1, 1], not clamped; a copy of its own
     */
    public HostTensor nextValues() {
        if (closed) {
            throw new IllegalStateException("the frame stream is closed");
        }
        if (!hasNext()) {
            throw new NoSuchElementException("all " + size.t() + " frames were taken");
        }
        while (tilesDone == 0 || nextFrame >= tiles.get(tilesDone - 1).finalTo()) {
            decodeNextTile();
        }
        Tensor frames = tileFrames;
        if (frames == null) {
            throw new IllegalStateException("decoding this clip has failed before; start a new stream");
        }
        int at = nextFrame - tiles.get(tilesDone - 1).fromLatent() * framesPerLatent;
        HostTensor frame = backend.download(frames.slice(at, at + 1));
        nextFrame++;
        return frame.reshape(size.h(), size.w(), 3);
    }

    /** Decodes every tile and drops its frames. */
    void decodeAll() {
        while (tilesDone < tiles.size()) {
            decodeNextTile();
        }
        nextFrame = size.t();
    }

    private void decodeNextTile() {
        closeTile();
        Tile tile = tiles.get(tilesDone);
        tileMemory = backend.newWorkspace();
        Tensor frames =
                decoder.decodeTile(latents.slice(tile.fromLatent(), tile.toLatent()), tileMemory); // [F, H, W, 3]
        int start = tile.fromLatent() * framesPerLatent;
        if (carried != null) {
            int count = tile.blendTo() - tile.keepFrom();
            for (int i = 0; i < count; i++) {
                Tensor earlier = carried.slice(i, i + 1);
                int at = tile.keepFrom() + i - start;
                Tensor later = frames.slice(at, at + 1);
                backend.interpolate(earlier, later, TemporalTiling.laterWeight(i, count), later);
            }
            int carry = tile.carryTo() - tile.finalTo();
            if (carry > 0) {
                backend.copy(frames.slice(tile.finalTo() - start, tile.carryTo() - start), carried);
            }
        }
        tileFrames = frames;
        tilesDone++;
    }

    private void closeTile() {
        tileFrames = null;
        if (tileMemory != null) {
            tileMemory.close();
            tileMemory = null;
        }
    }

    /** Frees the stream's memory; frames that were taken stay valid. */
    @Override
    public void close() {
        closed = true;
        closeTile();
        carried = null;
        memory.close();
    }
}
