package io.lingen.cpu.internal;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Workspace;
import io.lingen.core.accounting.MemoryMeter;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;

/** Tensors and packed weights of the CPU backend. Used by one thread at a time; readable by all. */
public final class CpuWorkspace implements Workspace {
    private final CpuMemory memory;
    private final MemoryMeter meter;
    private final List<CpuMemory.Block> blocks = new ArrayList<>();
    private final List<Runnable> onClose = new ArrayList<>();
    private long meteredBytes;
    private volatile boolean closed;

    public CpuWorkspace(CpuMemory memory, MemoryMeter meter) {
        this.memory = memory;
        this.meter = meter;
    }

    /**
     * The workspace as this backend's.
     *
     * @throws IllegalArgumentException if it belongs to another backend
     */
    public static CpuWorkspace of(Workspace workspace) {
        if (workspace instanceof CpuWorkspace) {
            return (CpuWorkspace) workspace;
        }
        throw new IllegalArgumentException("the cpu backend was given a workspace of another backend, a "
                + workspace.getClass().getName());
    }

    /** The memory that its tensors are allocated from. */
    public CpuMemory memory() {
        return memory;
    }

    @Override
    public CpuTensor allocate(DType dtype, Shape shape) {
        if (!dtype.isComputeType()) {
            throw new IllegalArgumentException("tensors are F32 or BF16, found " + dtype);
        }
        long bytes = Math.multiplyExact(shape.elements(), (long) dtype.bytes());
        return new CpuTensor(this, dtype, shape, allocateBytes(bytes));
    }

    @Override
    public CpuTensor allocate(DType dtype, long... lengths) {
        return allocate(dtype, Shape.of(lengths));
    }

    /** A tensor over somebody else's memory outside of the heap, which stays reachable while this workspace is open. */
    public CpuTensor borrow(HostTensor source) {
        onClose(() -> Reference.reachabilityFence(source));
        return new CpuTensor(
                this, source.dtype(), source.shape(), source.memory().address());
    }

    /** The address of aligned memory with undefined contents that lives as long as this workspace: packed weights. */
    public long allocateBytes(long bytes) {
        requireOpen();
        CpuMemory.Block block = memory.allocate(bytes);
        blocks.add(block);
        meteredBytes += bytes;
        meter.allocated(bytes);
        return block.address();
    }

    /** Runs an action when this workspace closes: freeing what a native library holds for it. */
    public void onClose(Runnable action) {
        requireOpen();
        onClose.add(action);
    }

    void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the workspace is closed: its tensors can't be used and it allocates none");
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        onClose.forEach(Runnable::run);
        blocks.forEach(memory::release);
        blocks.clear();
        meter.freed(meteredBytes);
    }
}
