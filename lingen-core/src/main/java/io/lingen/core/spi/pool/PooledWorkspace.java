package io.lingen.core.spi.pool;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Workspace;
import io.lingen.core.accounting.MemoryMeter;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A workspace that allocates tensors and packed weights in blocks of an allocator. One thread at a time may allocate or close; any number
 * may read the tensors.
 */
public final class PooledWorkspace implements Workspace {
    private final BlockAllocator<?> memory;
    private final MemoryMeter meter;
    private final @Nullable Consumer<PooledWorkspace> onTouch;
    private final List<Runnable> blocks = new ArrayList<>();
    private final List<Runnable> onClose = new ArrayList<>();
    private long meteredBytes;
    private volatile boolean closed;

    /**
     * Creates an empty workspace.
     *
     * @param memory the allocator of its blocks
     * @param meter counts its bytes
     */
    public PooledWorkspace(BlockAllocator<?> memory, MemoryMeter meter) {
        this(memory, meter, null);
    }

    /**
     * Creates an empty workspace that reports the use of its tensors.
     *
     * @param memory the allocator of its blocks
     * @param meter counts its bytes
     * @param onTouch called whenever a kernel requests the address of one of the tensors, or null for no call
     */
    public PooledWorkspace(BlockAllocator<?> memory, MemoryMeter meter, @Nullable Consumer<PooledWorkspace> onTouch) {
        this.memory = memory;
        this.meter = meter;
        this.onTouch = onTouch;
    }

    /**
     * {@return whether a workspace allocates its blocks from an allocator}
     *
     * @param memory the allocator
     * @param workspace of any backend
     */
    public static boolean isIn(BlockAllocator<?> memory, Workspace workspace) {
        return workspace instanceof PooledWorkspace && ((PooledWorkspace) workspace).memory == memory;
    }

    /**
     * {@return a workspace of the calling backend as a pooled workspace}
     *
     * @param workspace in the memory of the calling backend, see {@link #isIn}
     */
    public static PooledWorkspace of(Workspace workspace) {
        return (PooledWorkspace) workspace;
    }

    BlockAllocator<?> memory() {
        return memory;
    }

    @Override
    public PooledTensor allocate(DType dtype, Shape shape) {
        if (!dtype.isComputeType()) {
            throw new IllegalArgumentException("tensor must be F32 or BF16, found " + dtype);
        }
        long bytes = Math.multiplyExact(shape.elements(), (long) dtype.bytes());
        return new PooledTensor(this, dtype, shape, allocateBytes(bytes));
    }

    @Override
    public PooledTensor allocate(DType dtype, long... lengths) {
        return allocate(dtype, Shape.of(lengths));
    }

    /**
     * {@return a tensor that shares host memory} The memory stays reachable while this workspace is open.
     *
     * @param source F32 or BF16, outside the Java heap
     */
    public PooledTensor share(HostTensor source) {
        onClose(() -> Reference.reachabilityFence(source));
        return new PooledTensor(
                this, source.dtype(), source.shape(), source.memory().address());
    }

    /**
     * Allocates memory without a tensor, for example for packed weights.
     *
     * @param bytes the size, at least 0
     * @return the address of aligned memory with undefined contents, valid until this workspace is closed
     */
    public long allocateBytes(long bytes) {
        requireOpen();
        long address = take(memory, bytes);
        meteredBytes += bytes;
        meter.allocated(bytes);
        return address;
    }

    private <B extends BlockAllocator.MemoryBlock> long take(BlockAllocator<B> allocator, long bytes) {
        B block = allocator.allocate(bytes);
        blocks.add(() -> allocator.release(block));
        return block.address();
    }

    /**
     * Registers an action to run when this workspace is closed, for example to free objects of a native library.
     *
     * @param action runs before the blocks are freed
     */
    public void onClose(Runnable action) {
        requireOpen();
        onClose.add(action);
    }

    /** {@return whether this workspace is closed, so its tensors are invalid} */
    public boolean isClosed() {
        return closed;
    }

    /**
     * Checks that this workspace is open.
     *
     * @throws IllegalStateException if it is closed, since the memory of its tensors may already be reused
     */
    public void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the workspace is closed; use its tensors before closing it");
        }
    }

    void touch() {
        requireOpen();
        if (onTouch != null) {
            onTouch.accept(this);
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        onClose.forEach(Runnable::run);
        blocks.forEach(Runnable::run);
        blocks.clear();
        meter.freed(meteredBytes);
    }
}
