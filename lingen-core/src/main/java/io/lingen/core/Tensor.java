package io.lingen.core;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A contiguous, row-major array of {@link DType#F32} or {@link DType#BF16} elements in the memory of one backend.
 *
 * <p>A tensor belongs to the {@link Workspace} that allocated it and must not be used once that is closed. Views share their memory.
 * Tensors are not synchronised: concurrent reads are safe, a write needs the caller's ordering.
 */
public interface Tensor {
    /** The lengths of the axes. */
    Shape shape();

    /** The type of the elements: {@link DType#F32} or {@link DType#BF16}. */
    DType dtype();

    /**
     * The same elements under another shape.
     *
     * @throws IllegalArgumentException if the number of elements differs
     */
    Tensor reshape(Shape shape);

    /**
     * The entries {@code from} (inclusive) to {@code to} (exclusive) of the first axis, sharing this tensor's memory.
     *
     * @throws IllegalArgumentException unless {@code 0 <= from <= to <= shape().length(0)}
     */
    Tensor slice(long from, long to);

    /** The memory of the elements when the host can address it, else null. Valid while the workspace is open. */
    @Nullable
    MemorySegment hostMemory();

    /** The size of the elements in bytes. */
    default long byteSize() {
        return shape().elements() * dtype().bytes();
    }
}
