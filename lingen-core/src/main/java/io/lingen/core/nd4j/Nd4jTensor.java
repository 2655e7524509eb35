package io.lingen.core.nd4j;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** A tensor in a range of an ND4J vector. */
final class Nd4jTensor implements Tensor {
    private static final long CHUNK = 1 << 24;

    private final @Nullable Nd4jKernels owner;
    private final INDArray vector;
    private final long start;
    private final DType dtype;
    private final Shape shape;

    /**
     * Creates a tensor of a complete vector.
     *
     * @param owner the backend, or null for an array of a user, which every nd4j backend accepts
     * @param vector contiguous and not a view; empty for a tensor without elements
     */
    Nd4jTensor(@Nullable Nd4jKernels owner, INDArray vector, DType dtype, Shape shape) {
        this(owner, vector, 0, dtype, shape);
    }

    private Nd4jTensor(@Nullable Nd4jKernels owner, INDArray vector, long start, DType dtype, Shape shape) {
        this.owner = owner;
        this.vector = vector;
        this.start = start;
        this.dtype = dtype;
        this.shape = shape;
    }

    /** Returns a tensor of an nd4j backend (see {@link Nd4jKernels#owns}) as an Nd4jTensor. */
    static Nd4jTensor of(Tensor tensor) {
        return (Nd4jTensor) tensor;
    }

    boolean isOwnedBy(Nd4jKernels kernels) {
        return owner == null || owner == kernels;
    }

    static DataType dataType(DType dtype) {
        if (!dtype.isComputeType()) {
            throw new IllegalArgumentException("tensor must be F32 or BF16, found " + dtype);
        }
        return dtype == DType.F32 ? DataType.FLOAT : DataType.BFLOAT16;
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
    public Tensor reshape(Shape other) {
        return new Nd4jTensor(owner, vector, start, dtype, shape.reshape(other));
    }

    @Override
    public Tensor slice(long from, long to) {
        Shape part = shape.slice(from, to);
        return new Nd4jTensor(owner, vector, start + from * shape.entryElements(), dtype, part);
    }

    @Override
    @SuppressWarnings("restricted")
    public @Nullable MemorySegment hostMemory() {
        if (!Nd4jRuntime.isCpu() || shape.elements() == 0) {
            return null;
        }
        long address = vector.data().address() + start * dtype.bytes();
        return MemorySegment.ofAddress(address).reinterpret(byteSize());
    }

    /** Returns a view of the elements, in the type and shape of the tensor. */
    INDArray array() {
        return range(0, shape.elements()).reshape(shape.toArray());
    }

    /** Returns the elements as [rows, last] in F32, to be read only. */
    INDArray matrix() {
        return values(shape.rows(), shape.last());
    }

    /** Returns the elements in F32 and another shape, to be read only. */
    INDArray values(long... lengths) {
        boolean complete = shape.elements() == vector.length();
        // Copy views: ND4J treats a view of a view as empty if it begins beyond the length of the outer view.
        INDArray elements = complete ? vector : range(0, shape.elements()).dup();
        return elements.castTo(DataType.FLOAT).reshape(lengths);
    }

    /** Overwrites the elements, rounded to the tensor's type. */
    void store(INDArray result) {
        range(0, shape.elements()).assign(result.reshape(shape.elements()));
    }

    void store(HostTensor source) {
        HostTensor elements = source.reshape(shape.elements());
        for (long from = 0; from < shape.elements(); from += CHUNK) {
            long to = Math.min(shape.elements(), from + CHUNK);
            range(from, to).assign(Nd4j.createFromArray(elements.slice(from, to).toFloats()));
        }
    }

    HostTensor load() {
        long bytes = shape.elements() * Float.BYTES;
        MemorySegment memory = shape.elements() <= Integer.MAX_VALUE - 8
                ? MemorySegment.ofArray(new float[(int) shape.elements()])
                : Arena.ofAuto().allocate(bytes, Float.BYTES);
        for (long from = 0; from < shape.elements(); from += CHUNK) {
            long to = Math.min(shape.elements(), from + CHUNK);
            float[] values = range(from, to).castTo(DataType.FLOAT).toFloatVector();
            MemorySegment.copy(values, 0, memory, ValueLayout.JAVA_FLOAT, from * Float.BYTES, values.length);
        }
        return new HostTensor(DType.F32, shape, memory);
    }

    @Override
    public String toString() {
        return "nd4j " + dtype + shape;
    }

    private INDArray range(long from, long to) {
        return vector.get(NDArrayIndex.interval(start + from, start + to));
    }
}
