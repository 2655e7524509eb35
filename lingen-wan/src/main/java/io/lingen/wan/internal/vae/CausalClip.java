package io.lingen.wan.internal.vae;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.PatchSize;
import io.lingen.vae.internal.Activations;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * A clip that the layers of a causal network process piece by piece. It holds the activations of the current piece, and for each layer
 * that reaches back in time the last frames of its input, which the next piece continues. Pieces may have any number of frames: the results
 * are those of the clip as a whole. Used by one thread.
 */
final class CausalClip implements AutoCloseable {
    private static final int ZEROS = 1 << 14;

    private final Backend backend;
    private final Activations activations;
    private final Workspace memory;
    private final Map<Object, Tensor> kept = new IdentityHashMap<>();
    private final Taps taps;
    private boolean firstPiece = true;
    private boolean lastPiece;
    private boolean inPiece;

    /**
     * Starts a clip.
     *
     * @param dtype the type of activations, F32 or BF16
     * @param taps receives intermediate tensors of each piece
     */
    CausalClip(Backend backend, DType dtype, Taps taps) {
        this.backend = backend;
        this.activations = new Activations(backend, dtype);
        this.memory = backend.newWorkspace();
        this.taps = taps;
    }

    /**
     * Frames of a piece, preceded by the frames that a layer kept.
     *
     * @param tensor [kept + T, H, W, C]
     * @param kept the number of kept frames
     */
    record Window(Tensor tensor, int kept) {
        /** {@return the frames of the piece [T, H, W, C], a view} */
        Tensor frames() {
            return tensor.slice(kept, tensor.shape().length(0));
        }
    }

    Backend backend() {
        return backend;
    }

    /**
     * Begins a piece.
     *
     * @param last whether no piece follows, so that layers need not keep frames
     * @throws IllegalStateException if the piece before failed
     */
    void beginPiece(boolean last) {
        if (inPiece) {
            throw new IllegalStateException(
                    "a piece of this clip failed, so later ones can't be computed; start again");
        }
        inPiece = true;
        lastPiece = last;
    }

    void endPiece() {
        inPiece = false;
        firstPiece = false;
    }

    /** {@return whether the current piece is the clip's first} */
    boolean isFirstPiece() {
        return firstPiece;
    }

    /** Allocates a tensor of the clip's type, with undefined contents. */
    Tensor allocate(Shape shape) {
        return activations.allocate(shape);
    }

    /** Allocates a tensor with undefined contents. */
    Tensor allocate(DType dtype, Shape shape) {
        return activations.allocate(dtype, shape);
    }

    /** Frees a tensor of {@link #allocate}. */
    void free(Tensor tensor) {
        activations.free(tensor);
    }

    /**
     * Allocates frames behind those that a layer kept of the piece before; zeros if there was none.
     *
     * @param layer the owner of the kept frames
     * @param count the number of frames that the layer keeps
     * @param frames the shape [T, H, W, C] of the piece
     */
    Window window(Object layer, int count, Shape frames) {
        Tensor tensor = allocate(frames.withFirst(count + frames.length(0)));
        Tensor before = kept.get(layer);
        if (before == null) {
            zero(tensor.slice(0, count));
        } else {
            backend.copy(before, tensor.slice(0, count));
        }
        return new Window(tensor, count);
    }

    /** Frees a window and keeps its last frames for the layer's next piece. */
    void keepAndFree(Object layer, Window window) {
        keep(layer, window.kept(), window.tensor());
        free(window.tensor());
    }

    /** Keeps the last frames of a tensor [T, H, W, C] for the layer's next piece. */
    void keep(Object layer, int count, Tensor tensor) {
        if (lastPiece) {
            return;
        }
        long end = tensor.shape().length(0);
        Tensor last = tensor.slice(end - count, end);
        backend.copy(last, kept.computeIfAbsent(layer, key -> memory.allocate(last.dtype(), last.shape())));
    }

    /** Sets all elements to zero: a first part from the host, the rest as copies of twice the length each. */
    void zero(Tensor tensor) {
        long elements = tensor.shape().elements();
        Tensor flat = tensor.reshape(Shape.of(elements));
        int first = (int) Math.min(elements, ZEROS);
        backend.write(HostTensor.of(new float[first], first), flat.slice(0, first));
        for (long done = first; done < elements; ) {
            long next = Math.min(done, elements - done);
            backend.copy(flat.slice(0, next), flat.slice(done, done + next));
            done += next;
        }
    }

    /** Passes x [T, H, W, C] to the taps as [C, T, H, W] in F32. */
    void tap(String name, Tensor x) {
        if (taps == Taps.NONE) {
            return;
        }
        Shape shape = x.shape();
        Tensor planes =
                allocate(DType.F32, Shape.of(shape.length(3), shape.length(0), shape.length(1), shape.length(2)));
        backend.unpatchify(x, PatchSize.ONE, planes);
        taps.accept(name, planes);
        free(planes);
    }

    /** Frees all tensors. */
    @Override
    public void close() {
        activations.close();
        memory.close();
    }
}
