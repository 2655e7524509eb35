package io.lingen.cpu.internal;

import io.lingen.core.DType;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import java.lang.foreign.MemorySegment;

/** Elements in off-heap memory, owned by a {@link CpuWorkspace}. */
public final class CpuTensor implements Tensor {
    private final CpuWorkspace owner;
    private final DType dtype;
    private final Shape shape;
    private final long address;

    CpuTensor(CpuWorkspace owner, DType dtype, Shape shape, long address) {
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
    public static CpuTensor of(Tensor tensor) {
        if (tensor instanceof CpuTensor) {
            return (CpuTensor) tensor;
        }
        throw new IllegalArgumentException("the cpu backend was given a tensor of another backend, a "
                + tensor.getClass().getName() + "; download it there and upload it here");
    }

    /**
     * The address of a tensor's first element.
     *
     * @throws IllegalArgumentException if the tensor belongs to another backend
     * @throws IllegalStateException if its workspace is closed
     */
    public static long addressOf(Tensor tensor) {
        return of(tensor).address();
    }

    /** The workspace that owns it. */
    public CpuWorkspace owner() {
        return owner;
    }

    /**
     * The address of the first element; that of a whole tensor is a multiple of {@link Memory#ALIGNMENT}, a slice's need not be.
     *
     * @throws IllegalStateException if the workspace is closed: the memory may be another tensor's by now
     */
    public long address() {
        owner.requireOpen();
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
    public CpuTensor reshape(Shape other) {
        return new CpuTensor(owner, dtype, shape.reshape(other), address);
    }

    @Override
    public CpuTensor slice(long from, long to) {
        Shape part = shape.slice(from, to);
        return new CpuTensor(owner, dtype, part, address + from * shape.entryElements() * dtype.bytes());
    }

    @Override
    public MemorySegment hostMemory() {
        return Memory.ALL.asSlice(address(), byteSize());
    }

    @Override
    public String toString() {
        return dtype + shape.toString();
    }
}
