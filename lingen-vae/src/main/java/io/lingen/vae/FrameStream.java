package io.lingen.vae;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Grid;
import io.lingen.vae.TemporalTiling.Tile;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The frames of a clip, decoded tile by tile as they are asked for. Holds one decoded tile, the frames that it is blended with, and the
 * latents; the memory does not grow with the clip's length but for those latents. A frame that is the first of a tile takes as long as the
 * tile. Used by one thread at a time.
 *
 * <p>Tiles stay patches until their frames are taken. These are blended and rounded on the backend, so that a byte of each colour is all that
 * comes to the host.
 */
public final class FrameStream implements Iterator<Frame>, AutoCloseable {
    /**
     * Stands around what a stream computes and frees. An owner of the memory may thus refuse a frame, by an exception in place of calling
     * it, or wait until none is being computed.
     */
    public interface Guard {
        /** Lets everything pass. */
        Guard NONE = new Guard() {
            @Override
            public <T> T compute(Supplier<T> frame) {
                return frame.get();
            }
        };

        /** Calls {@code frame}, which decodes one. */
        <T> T compute(Supplier<T> frame);

        /** Calls {@code free}, which frees the stream's memory, unless that has been done. */
        default void free(Runnable free) {
            free.run();
        }
    }

    private final LatentVideoDecoder decoder;
    private final Guard guard;
    private final Backend backend;
    private final Tensor latents;
    private final Workspace memory;
    private final Grid size;
    private final List<Tile> tiles;
    private final int framesPerLatent;
    private final PatchPixels pixels;
    private @Nullable Tensor carried;
    private @Nullable Workspace tileMemory;
    private @Nullable Tensor tilePatches;
    private int tilesDone;
    private int nextFrame;
    private boolean closed;

    /**
     * @param latents [T, H, W, C]
     * @param memory owns the latents; this stream's from here on
     */
    FrameStream(LatentVideoDecoder decoder, Tensor latents, Workspace memory, Guard guard) {
        AutoencoderConfig config = decoder.config();
        Shape shape = latents.shape();
        this.decoder = decoder;
        this.guard = guard;
        this.backend = decoder.backend();
        this.latents = latents;
        this.memory = memory;
        this.size = config.framesOf(new Grid(
                Math.toIntExact(shape.length(0)), Math.toIntExact(shape.length(1)), Math.toIntExact(shape.length(2))));
        this.framesPerLatent = config.compression(0);
        this.tiles = config.tiling().plan(Math.toIntExact(shape.length(0)), framesPerLatent);
        Tile first = tiles.get(0);
        int shared = (first.carryTo() - first.finalTo()) / config.patch().t();
        this.pixels = new PatchPixels(backend, memory, config.patch(), size, shared > 0);
        this.carried = shared == 0 ? null : memory.allocate(DType.F32, pixels.patches(shared));
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
        byte[] rgb = new byte[Math.toIntExact(3L * size.h() * size.w())];
        return guard.compute(() -> {
            Tensor frame = take();
            try {
                backend.downloadPixels(frame, rgb);
            } catch (ArithmeticException e) {
                throw new IllegalStateException(
                        "frame " + index + ": found pixels that are not numbers, expected numbers around [-1, 1];"
                                + " are the latents finite, and does precision F32 help?",
                        e);
            }
            return new Frame(size.w(), size.h(), rgb);
        });
    }

    /**
     * The next frame as the decoder made it, in place of {@link #next}.
     *
     * @return [height, width, 3] in F32, nominally in [-1, 1], not clamped; a copy of its own
     */
    public HostTensor nextValues() {
        return guard.compute(() -> backend.download(take())).reshape(size.h(), size.w(), 3);
    }

    /** The next frame on the backend, [1, H, W, 3], until the one after it is taken. */
    private Tensor take() {
        if (closed) {
            throw new IllegalStateException("the frame stream is closed");
        }
        if (!hasNext()) {
            throw new NoSuchElementException("all " + size.t() + " frames were taken");
        }
        while (tilesDone == 0 || nextFrame >= tiles.get(tilesDone - 1).finalTo()) {
            decodeNextTile();
        }
        Tensor patches = Objects.requireNonNull(tilePatches);
        Tile tile = tiles.get(tilesDone - 1);
        int patchFrames = pixels.patch().t();
        int inPatch = nextFrame % patchFrames;
        if (inPatch == 0) {
            int row = (nextFrame - tile.fromLatent() * framesPerLatent) / patchFrames;
            pixels.setPatches(patches.slice(row, row + 1));
            if (carried != null && nextFrame < tile.blendTo()) {
                int shared = (nextFrame - tile.keepFrom()) / patchFrames;
                pixels.setEarlierPatches(carried.slice(shared, shared + 1));
            }
        }
        float weight = TemporalTiling.laterWeight(nextFrame - tile.keepFrom(), tile.blendTo() - tile.keepFrom());
        nextFrame++;
        return pixels.frame(inPatch, weight);
    }

    /** Decodes every frame and brings none to the host: for counting, which has no pixels to show. */
    public void decodeAll() {
        while (hasNext()) {
            take();
        }
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

    /** Frees the stream's memory; frames that were taken stay valid. */
    @Override
    public void close() {
        closed = true;
        guard.free(() -> {
            closeTile();
            carried = null;
            memory.close();
        });
    }
}
