package io.lingen.vae.internal;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * The intermediate tensors of one pass. Each is freed as soon as the pass no longer needs it: at pixel resolution, a single extra tensor
 * can decide whether a video fits. Closing frees the rest, for example after an error. Used by one thread.
 */
public final class Activations implements AutoCloseable {
    private final Backend backend;
    private final DType dtype;
    private final Map<Tensor, Workspace> owners = new IdentityHashMap<>();

    /**
     * Starts a pass.
     *
     * @param backend the backend of the tensors
     * @param dtype the type of the activations, F32 or BF16
     */
    public Activations(Backend backend, DType dtype) {
        this.backend = backend;
        this.dtype = dtype;
    }

    /** {@return the backend of the tensors} */
    public Backend backend() {
        return backend;
    }

    /**
     * {@return a new tensor of the type of the pass, with undefined contents}
     *
     * @param shape the lengths of the axes
     * @throws io.lingen.core.OutOfMemoryException if the backend has too little memory
     */
    public Tensor allocate(Shape shape) {
        return allocate(dtype, shape);
    }

    /**
     * {@return a new tensor with undefined contents}
     *
     * @param type F32 or BF16
     * @param shape the lengths of the axes
     * @throws io.lingen.core.OutOfMemoryException if the backend has too little memory
     */
    public Tensor allocate(DType type, Shape shape) {
        Workspace owner = backend.newWorkspace();
        try {
            Tensor tensor = owner.allocate(type, shape);
            owners.put(tensor, owner);
            return tensor;
        } catch (RuntimeException | Error e) {
            owner.close();
            throw e;
        }
    }

    /**
     * Frees a tensor.
     *
     * @param tensor a tensor that {@link #allocate} returned, not a view of one
     * @throws IllegalArgumentException if the tensor is not of this pass, or already freed
     */
    public void free(Tensor tensor) {
        Workspace owner = owners.remove(tensor);
        if (owner == null) {
            throw new IllegalArgumentException("tensor must belong to this pass, found one of shape " + tensor.shape());
        }
        owner.close();
    }

    /** Frees all tensors that are left. */
    @Override
    public void close() {
        owners.values().forEach(Workspace::close);
        owners.clear();
    }
}
