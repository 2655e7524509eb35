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

/** Tensors and packed weights in blocks of an allocator. Used by one thread at a time; readable by all. */
public final class PooledWorkspace implements Workspace {
    private final BlockAllocator<?> memory;
    private final MemoryMeter meter;
    private final @Nullable Consumer<PooledWorkspace> onTouch;
    private final List<Runnable> blocks = new ArrayList<>();
    private final List<Runnable> onClose = new ArrayList<>();
    private long meteredBytes;
    private volatile boolean closed;

    /** A workspace that reports its bytes to a meter. */
    public PooledWorkspace(BlockAllocator<?> memory, MemoryMeter meter) {
        this(memory, meter, null);
    }

    /** @param onTouch called whenever a kernel asks for the address of one of the tensors; null for nothing */
    public PooledWorkspace(BlockAllocator<?> memory, MemoryMeter meter, @Nullable Consumer<PooledWorkspace> onTouch) {
        this.memory = memory;
        this.meter = meter;
        this.onTouch = onTouch;
    }

    /** Whether a workspace takes its blocks from an allocator. */
    public static boolean isIn(BlockAllocator<?> memory, Workspace workspace) {
        return workspace instanceof PooledWorkspace && ((PooledWorkspace) workspace).memory == memory;
    }

    /** A workspace that {@link #isIn} the memory of the backend that asks. */
    public static PooledWorkspace of(Workspace workspace) {
        return (PooledWorkspace) workspace;
    }

    BlockAllocator<?> memory() {
        return memory;
    }

    @Override
    public PooledTensor allocate(DType dtype, Shape shape) {
        if (!dtype.isComputeType()) {
            throw new IllegalArgumentException("tensors are F32 or BF16, found " + dtype);
        }
        long bytes = Math.multiplyExact(shape.elements(), (long) dtype.bytes());
        return new PooledTensor(this, dtype, shape, allocateBytes(bytes));
    }

    @Override
    public PooledTensor allocate(DType dtype, long... lengths) {
        return allocate(dtype, Shape.of(lengths));
    }

    /** A tensor that shares host memory outside of the heap, which stays reachable while this workspace is open. */
    public PooledTensor share(HostTensor source) {
        onClose(() -> Reference.reachabilityFence(source));
        return new PooledTensor(
                this, source.dtype(), source.shape(), source.memory().address());
    }

    /** The address of aligned memory with undefined contents that lives as long as this workspace: packed weights. */
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

    /** Runs an action when this workspace closes: freeing what a native library holds for it. */
    public void onClose(Runnable action) {
        requireOpen();
        onClose.add(action);
    }

    /** Whether its tensors are freed. */
    public boolean isClosed() {
        return closed;
    }

    /**
     * Checks that its tensors are still there.
     *
     * @throws IllegalStateException if this workspace is closed: their memory may be another tensor's by now
     */
    public void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the workspace is closed: its tensors can't be used and it allocates none");
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
