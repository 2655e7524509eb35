package io.lingen.core;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A contiguous, row-major array of {@link DType#F32} or {@link DType#BF16} elements in the memory of one backend.
 *
 * <p>A tensor belongs to the {@link Workspace} that allocated it and must not be used once that is closed. Views share their memory.
 * Tensors are not synchronized: concurrent reads are safe, a write needs the caller's ordering.
 */
public interface Tensor {
    /** {@return the lengths of the axes} */
    Shape shape();

    /** {@return the type of the elements: {@link DType#F32} or {@link DType#BF16}} */
    DType dtype();

    /**
     * {@return a view of the same elements under another shape}
     *
     * @param shape the other shape
     * @throws IllegalArgumentException if the number of elements differs
     */
    Tensor reshape(Shape shape);

    /**
     * {@return a view of a range of the first axis}
     *
     * @param from the first entry
     * @param to the entry after the last
     * @throws IllegalArgumentException unless {@code 0 <= from <= to <= shape().length(0)}
     */
    Tensor slice(long from, long to);

    /** {@return the memory of the elements if the host can address it, else null} Valid while the workspace is open. */
    @Nullable
    MemorySegment hostMemory();

    /** {@return the size of the elements in bytes} */
    default long byteSize() {
        return shape().elements() * dtype().bytes();
    }
}
