package io.lingen.core.spi.pool;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A tensor at an address in a block of a {@link PooledWorkspace}. Immutable, except for its elements. */
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

    /**
     * {@return whether a tensor lies in the memory of an allocator}
     *
     * @param memory the allocator
     * @param tensor of any backend
     */
    public static boolean isIn(BlockAllocator<?> memory, Tensor tensor) {
        return tensor instanceof PooledTensor && ((PooledTensor) tensor).owner.memory() == memory;
    }

    /**
     * {@return a tensor of the calling backend as a pooled tensor}
     *
     * @param tensor in the memory of the calling backend, see {@link #isIn}
     */
    public static PooledTensor of(Tensor tensor) {
        return (PooledTensor) tensor;
    }

    /**
     * {@return the address of the first element of a tensor}
     *
     * @param tensor in the memory of the calling backend
     * @throws IllegalStateException if its workspace is closed
     */
    public static long addressOf(Tensor tensor) {
        return of(tensor).address();
    }

    /**
     * {@return the address of the first element of a tensor, or 0 for null}
     *
     * @param tensor in the memory of the calling backend, or null
     * @throws IllegalStateException if its workspace is closed
     */
    public static long addressOrNull(@Nullable Tensor tensor) {
        return tensor == null ? 0 : addressOf(tensor);
    }

    /**
     * {@return whether the elements are BF16; if not, they are F32}
     *
     * @param tensor of any backend
     */
    public static boolean isBf16(Tensor tensor) {
        return tensor.dtype() == DType.BF16;
    }

    /** {@return the workspace that owns this tensor} */
    public PooledWorkspace owner() {
        return owner;
    }

    /**
     * {@return the address of the first element} It has the alignment of the allocator's blocks, except in slices.
     *
     * @throws IllegalStateException if the workspace is closed, since the memory may already be reused
     */
    public long address() {
        owner.touch();
        return address;
    }

    /**
     * {@return the address of a row of this tensor read as a matrix}
     *
     * @param row from 0
     * @throws IllegalStateException if the workspace is closed
     */
    public long rowAddress(long row) {
        return address() + row * rowBytes();
    }

    /** {@return the number of bytes of a row of this tensor read as a matrix} */
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
