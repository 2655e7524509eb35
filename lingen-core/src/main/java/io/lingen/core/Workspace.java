package io.lingen.core;

/**
 * The owner of a group of tensors. Closing it frees them or hands their memory to the next workspace of the same backend, without waiting
 * for the garbage collector. Typical are one workspace for a model's weights, one for a pass and one for the temporaries of each block,
 * each in a try-with-resources statement.
 *
 * <p>A workspace is used by one thread at a time; different workspaces of one backend may be used concurrently.
 */
public interface Workspace extends AutoCloseable {
    /**
     * Allocates a tensor with undefined contents.
     *
     * @param dtype {@link DType#F32} or {@link DType#BF16}
     * @param shape the lengths of the axes
     * @return the tensor, valid until this workspace is closed
     * @throws IllegalArgumentException if the type is neither {@link DType#F32} nor {@link DType#BF16}
     * @throws OutOfMemoryException if the backend has too little memory
     * @throws IllegalStateException if this workspace is closed
     */
    Tensor allocate(DType dtype, Shape shape);

    /**
     * Allocates a tensor with undefined contents.
     *
     * @param dtype {@link DType#F32} or {@link DType#BF16}
     * @param lengths the lengths of the axes
     * @return the tensor, valid until this workspace is closed
     * @throws IllegalArgumentException if the type is neither {@link DType#F32} nor {@link DType#BF16}
     * @throws OutOfMemoryException if the backend has too little memory
     * @throws IllegalStateException if this workspace is closed
     */
    default Tensor allocate(DType dtype, long... lengths) {
        return allocate(dtype, Shape.of(lengths));
    }

    /** Frees all tensors of this workspace. Closing twice has no effect. */
    @Override
    void close();
}
