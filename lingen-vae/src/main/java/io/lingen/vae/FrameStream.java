package io.lingen.vae;

import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Grid;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Supplier;

/**
 * An iterator that decodes the frames of a video on demand. Used by one thread at a time. A decoder implements {@link #take} and {@link
 * #free}.
 */
public abstract class FrameStream implements Iterator<Frame>, AutoCloseable {
    /**
     * Wraps each decode and the freeing of a stream, for example to hold a lock. The owner of the backend can thus reject a decode by
     * throwing an exception, or wait until no decode is running.
     */
    public interface Guard {
        /** Calls each action directly. */
        Guard NONE = new Guard() {
            @Override
            public <T> T compute(Supplier<T> frame) {
                return frame.get();
            }
        };

        /**
         * Calls an action that decodes a frame.
         *
         * @param <T> the type of the frame
         * @param frame the action
         * @return its result
         */
        <T> T compute(Supplier<T> frame);

        /**
         * Calls an action that frees the memory of the stream, unless it is already freed.
         *
         * @param free the action
         */
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
     * Creates a stream at the first frame.
     *
     * @param backend decodes the frames
     * @param size the frames, rows and columns of the video
     * @param guard wraps each decode
     */
    protected FrameStream(Backend backend, Grid size, Guard guard) {
        this.backend = backend;
        this.size = size;
        this.guard = guard;
    }

    /**
     * Decodes a frame.
     *
     * @param index of the frame, from 0; each call has the next index
     * @return [1, H, W, 3] in F32, nominally in [-1, 1], not clamped; valid until the next call
     */
    protected abstract Tensor take(int index);

    /** Frees the memory of the stream. A second call has no effect. */
    protected abstract void free();

    /** {@return the number of frames of the video, including those already taken} */
    public final int frameCount() {
        return size.t();
    }

    /** {@return the width in pixels} */
    public final int width() {
        return size.w();
    }

    /** {@return the height in pixels} */
    public final int height() {
        return size.h();
    }

    @Override
    public final boolean hasNext() {
        return nextFrame < size.t();
    }

    /**
     * Decodes the next frame and rounds it to 8 bits: [-1, 1] is mapped to 0 to 255, values beyond are clamped.
     *
     * @return the frame
     * @throws NoSuchElementException after the last frame
     * @throws IllegalStateException if the stream is closed or a pixel is NaN
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
                        "frame " + index
                                + ": pixels must be numbers around [-1, 1], found NaN; check that the latents are finite, or use"
                                + " precision F32",
                        e);
            }
            return new Frame(size.w(), size.h(), rgb);
        });
    }

    /**
     * Decodes the next frame without rounding, in place of {@link #next}.
     *
     * @return [height, width, 3] in F32, nominally in [-1, 1], not clamped; a copy
     * @throws NoSuchElementException after the last frame
     * @throws IllegalStateException if the stream is closed
     */
    public final HostTensor nextValues() {
        return guard.compute(() -> backend.download(take())).reshape(size.h(), size.w(), 3);
    }

    /** Decodes all remaining frames without copying them to the host. For dry runs, whose frames have no pixels. */
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
            throw new NoSuchElementException("all " + size.t() + " frames are taken");
        }
        Tensor frame = take(nextFrame);
        nextFrame++;
        return frame;
    }

    /** Frees the memory of the stream. Frames that were taken stay valid. */
    @Override
    public final void close() {
        closed = true;
        guard.free(this::free);
    }
}
