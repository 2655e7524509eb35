package io.lingen.cuda.internal;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Elements in device memory, owned by a {@link CudaWorkspace}. */
public final class CudaTensor implements Tensor {
    private final CudaWorkspace owner;
    private final DType dtype;
    private final Shape shape;
    private final long address;

    CudaTensor(CudaWorkspace owner, DType dtype, Shape shape, long address) {
        this.owner = owner;
        this.dtype = dtype;
        this.shape = shape;
        this.address = address;
    }

    /**
     * The tensor as this backend's.
     *
     * @throws IllegalArgumentException if it belongs to another backend
     */
    public static CudaTensor of(Tensor tensor) {
        if (tensor instanceof CudaTensor) {
            return (CudaTensor) tensor;
        }
        throw new IllegalArgumentException("the cuda backend was given a tensor of another backend, a "
                + tensor.getClass().getName() + "; download it there and upload it here");
    }

    /** The device address of a tensor's first element, as {@link #address()}. */
    public static long addressOf(Tensor tensor) {
        return of(tensor).address();
    }

    /** The same, 0 for no tensor. */
    public static long addressOrNull(@Nullable Tensor tensor) {
        return tensor == null ? 0 : addressOf(tensor);
    }

    /** Whether elements are BF16 rather than F32. */
    public static boolean isBf16(Tensor tensor) {
        return tensor.dtype() == DType.BF16;
    }

    /** The workspace that owns it. */
    public CudaWorkspace owner() {
        return owner;
    }

    /**
     * The device address of the first element.
     *
     * @throws IllegalStateException if the workspace is closed: the memory may be another tensor's by now
     */
    public long address() {
        owner.touch();
        return address;
    }

    @Override
    public Shape shape() {
        return shape;
    }

    @Override
    public DType dtype() {
        return dtype;
    }

    @Override
    public CudaTensor reshape(Shape other) {
        return new CudaTensor(owner, dtype, shape.reshape(other), address);
    }

    @Override
    public CudaTensor slice(long from, long to) {
        Shape part = shape.slice(from, to);
        return new CudaTensor(owner, dtype, part, address + from * shape.entryElements() * dtype.bytes());
    }

    @Override
    public @Nullable MemorySegment hostMemory() {
        return null;
    }

    @Override
    public String toString() {
        return dtype + shape.toString();
    }
}
