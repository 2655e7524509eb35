package io.lingen.vae;

import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Grid;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Supplier;

/**
 * The frames of a clip, decoded as they are asked for. Used by one thread at a time. A decoder implements {@link #take} and {@link #free}.
 */
public abstract class FrameStream implements Iterator<Frame>, AutoCloseable {
    /**
     * Wraps the computing and freeing of a stream, for example to hold a lock. An owner of the memory may thus refuse a frame, by an exception
     * in place of calling it, or wait until none is being computed.
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

    private final Backend backend;
    private final Guard guard;
    private final Grid size;
    private int nextFrame;
    private boolean closed;

    /**
     * @param backend where frames are decoded
     * @param size the clip's frames, rows and columns
     */
    protected FrameStream(Backend backend, Grid size, Guard guard) {
        this.backend = backend;
        this.size = size;
        this.guard = guard;
    }

    /**
     * Decodes the next frame.
     *
     * @param index of the frame, from 0
     * @return [1, H, W, 3] in F32, nominally in [-1, 1], not clamped; valid until the next call
     */
    protected abstract Tensor take(int index);

    /** Frees the stream's memory. Called twice it has no effect. */
    protected abstract void free();

    /** The number of frames of the clip, those already taken included. */
    public final int frameCount() {
        return size.t();
    }

    /** In pixels. */
    public final int width() {
        return size.w();
    }

    /** In pixels. */
    public final int height() {
        return size.h();
    }

    @Override
    public final boolean hasNext() {
        return nextFrame < size.t();
    }

    /**
     * The next frame, rounded to 8 bits: [-1, 1] becomes 0 to 255, what lies beyond is clamped.
     *
     * @throws NoSuchElementException after the last frame
     * @throws IllegalStateException if the stream is closed, or a pixel is not a number
     */
    @Override
    public final Frame next() {
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
    public final HostTensor nextValues() {
        return guard.compute(() -> backend.download(take())).reshape(size.h(), size.w(), 3);
    }

    /** Decodes every frame and brings none to the host: for counting, which has no pixels to show. */
    public final void decodeAll() {
        while (hasNext()) {
            take();
        }
    }

    private Tensor take() {
        if (closed) {
            throw new IllegalStateException("the frame stream is closed");
        }
        if (!hasNext()) {
            throw new NoSuchElementException("all " + size.t() + " frames were taken");
        }
        Tensor frame = take(nextFrame);
        nextFrame++;
        return frame;
    }

    /** Frees the stream's memory; frames that were taken stay valid. */
    @Override
    public final void close() {
        closed = true;
        guard.free(this::free);
    }
}
