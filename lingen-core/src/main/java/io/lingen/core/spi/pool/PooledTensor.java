package io.lingen.core.spi.pool;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Elements at an address, owned by a {@link PooledWorkspace}. */
public final class PooledTensor implements Tensor {
    private final PooledWorkspace owner;
    private final DType dtype;
    private final Shape shape;
    private final long address;

    PooledTensor(PooledWorkspace owner, DType dtype, Shape shape, long address) {
        this.owner = owner;
        this.dtype = dtype;
        this.shape = shape;
        this.address = address;
    }

    /** Whether a tensor lies in the memory of an allocator. */
    public static boolean isIn(BlockAllocator<?> memory, Tensor tensor) {
        return tensor instanceof PooledTensor && ((PooledTensor) tensor).owner.memory() == memory;
    }

    /** A tensor that {@link #isIn} the memory of the backend that asks. */
    public static PooledTensor of(Tensor tensor) {
        return (PooledTensor) tensor;
    }

    /** The address of a tensor's first element, as {@link #address()}. */
    public static long addressOf(Tensor tensor) {
        return of(tensor).address();
    }

    /** The address of a tensor's first element; 0 for no tensor. */
    public static long addressOrNull(@Nullable Tensor tensor) {
        return tensor == null ? 0 : addressOf(tensor);
    }

    /** Whether elements are BF16 rather than F32. */
    public static boolean isBf16(Tensor tensor) {
        return tensor.dtype() == DType.BF16;
    }

    /** The workspace that owns it. */
    public PooledWorkspace owner() {
        return owner;
    }

    /**
     * The address of the first element; that of a whole tensor is aligned as the allocator's blocks are, a slice's need not be.
     *
     * @throws IllegalStateException if the workspace is closed: the memory may be another tensor's by now
     */
    public long address() {
        owner.touch();
        return address;
    }

    /** The address of a row when the tensor is read as a matrix. */
    public long rowAddress(long row) {
        return address() + row * rowBytes();
    }

    /** The bytes from one row to the next. */
    public long rowBytes() {
        return shape.last() * dtype.bytes();
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
    public PooledTensor reshape(Shape other) {
        return new PooledTensor(owner, dtype, shape.reshape(other), address);
    }

    @Override
    public PooledTensor slice(long from, long to) {
        Shape part = shape.slice(from, to);
        return new PooledTensor(owner, dtype, part, address + from * shape.entryElements() * dtype.bytes());
    }

    @Override
    @SuppressWarnings("restricted")
    public @Nullable MemorySegment hostMemory() {
        return owner.memory().isHostMemory()
                ? MemorySegment.ofAddress(address()).reinterpret(byteSize())
                : null;
    }

    @Override
    public String toString() {
        return dtype + shape.toString();
    }
}
