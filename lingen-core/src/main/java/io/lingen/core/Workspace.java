package io.lingen.core;

/**
 * Owns tensors. Closing it frees them or gives their memory to the next workspace of the same backend; nothing relies on the garbage
 * collector. Use it in a try-with-resources statement, one for a model's weights, one for a pass, one for each block's intermediate
 * results.
 *
 * <p>A workspace is used by one thread at a time; different workspaces of one backend may be used concurrently.
 */
public interface Workspace extends AutoCloseable {
    /**
     * A new tensor with undefined contents.
     *
     * @throws IllegalArgumentException if the type is neither {@link DType#F32} nor {@link DType#BF16}
     * @throws OutOfMemoryException if the backend's memory does not suffice
     * @throws IllegalStateException if this workspace is closed
     */
    Tensor allocate(DType dtype, Shape shape);

    /** A new tensor of the given lengths with undefined contents. */
    default Tensor allocate(DType dtype, long... lengths) {
        return allocate(dtype, Shape.of(lengths));
    }

    /** Frees every tensor of this workspace. Closing twice has no effect. */
    @Override
    void close();
}
