package io.lingen.cuda.internal;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Workspace;
import io.lingen.core.accounting.MemoryMeter;
import java.util.ArrayList;
import java.util.List;

/** Tensors and packed weights of the CUDA backend. Used by one thread at a time; readable by all. */
public final class CudaWorkspace implements Workspace {
    private final DeviceMemory memory;
    private final MemoryMeter meter;
    private final List<DeviceMemory.Block> blocks = new ArrayList<>();
    private long meteredBytes;
    private volatile boolean closed;

    public CudaWorkspace(DeviceMemory memory, MemoryMeter meter) {
        this.memory = memory;
        this.meter = meter;
    }

    /**
     * The workspace as this backend's.
     *
     * @throws IllegalArgumentException if it belongs to another backend
     */
    public static CudaWorkspace of(Workspace workspace) {
        if (workspace instanceof CudaWorkspace) {
            return (CudaWorkspace) workspace;
        }
        throw new IllegalArgumentException("the cuda backend was given a workspace of another backend, a "
                + workspace.getClass().getName());
    }

    /** The memory that its tensors are allocated from. */
    public DeviceMemory memory() {
        return memory;
    }

    @Override
    public CudaTensor allocate(DType dtype, Shape shape) {
        if (!dtype.isComputeType()) {
            throw new IllegalArgumentException("tensors are F32 or BF16, found " + dtype);
        }
        requireOpen();
        long bytes = Math.multiplyExact(shape.elements(), (long) dtype.bytes());
        DeviceMemory.Block block = memory.allocate(bytes);
        blocks.add(block);
        meteredBytes += bytes;
        meter.allocated(bytes);
        return new CudaTensor(this, dtype, shape, block.address());
    }

    @Override
    public CudaTensor allocate(DType dtype, long... lengths) {
        return allocate(dtype, Shape.of(lengths));
    }

    boolean isClosed() {
        return closed;
    }

    /** A tensor's address is asked for. */
    void touch() {
        requireOpen();
        memory.touched(this);
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
        blocks.forEach(memory::release);
        blocks.clear();
        meter.freed(meteredBytes);
    }
}
