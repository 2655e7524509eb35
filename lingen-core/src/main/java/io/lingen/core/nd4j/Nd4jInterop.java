package io.lingen.core.nd4j;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Conversion between ND4J arrays and tensors, without a copy where the memory allows it.
 *
 * <ul>
 *   <li>Writes to shared memory are visible on both sides.
 *   <li>An array made from a host tensor keeps its memory reachable, and vice versa. An array made from a {@link Tensor} does not: it must
 *       not be used after the workspace of the tensor is closed.
 *   <li>Closing an array that was made here frees no memory.
 *   <li>An array made from a tensor of a checkpoint must not be written to. Mapped files are read-only, and the write would kill the
 *       process.
 * </ul>
 *
 * <p>Thread-safe.
 */
public final class Nd4jInterop {
    private static final Cleaner CLEANER = Cleaner.create();

    /** A pointer to memory of another owner. */
    private static final class Borrowed extends Pointer {
        Borrowed(MemorySegment memory, long elements) {
            address = memory.address();
            limit = elements;
            capacity = elements;
        }
    }

    private Nd4jInterop() {}

    /**
     * Returns a host tensor as an array of the same type and shape. The array shares the memory if it lies outside the Java heap, is
     * aligned to its type, and ND4J runs on the CPU. Otherwise the array is a copy.
     *
     * @param tensor the tensor, of any type
     * @return the array
     */
    public static INDArray array(HostTensor tensor) {
        DType dtype = tensor.dtype();
        long elements = tensor.shape().elements();
        if (elements == 0) {
            return Nd4j.create(dataType(dtype), tensor.shape().toArray());
        }
        MemorySegment memory = tensor.memory();
        if (!memory.isNative() || memory.address() % dtype.bytes() != 0) {
            memory = Arena.ofAuto().allocate(memory.byteSize(), 64).copyFrom(memory);
        }
        DataBuffer buffer = Nd4j.createBuffer(new Borrowed(memory, elements), elements, dataType(dtype));
        MemorySegment source = memory;
        CLEANER.register(buffer, () -> Reference.reachabilityFence(source));
        INDArray array =
                Nd4j.create(buffer, tensor.shape().toArray(), strides(tensor.shape()), 0, 'c', dataType(dtype));
        return Nd4jRuntime.isCpu() ? array : array.dup();
    }

    /**
     * Returns a tensor as an array that shares its memory, with type FLOAT or BFLOAT16. The array is valid while the workspace of the
     * tensor is open.
     *
     * @param tensor of any backend that computes in host memory
     * @return the array
     * @throws IllegalArgumentException if the tensor is not in host memory
     */
    public static INDArray array(Tensor tensor) {
        if (tensor instanceof Nd4jTensor) {
            return ((Nd4jTensor) tensor).array();
        }
        MemorySegment memory = tensor.hostMemory();
        if (memory == null) {
            throw new IllegalArgumentException(
                    "tensor must be in host memory, found " + tensor + "; copy it with Backend.download");
        }
        return array(new HostTensor(tensor.dtype(), tensor.shape(), memory));
    }

    /**
     * Returns an array as a host tensor of the same type and shape. The tensor shares the memory if it is dense, in C order, and ND4J runs
     * on the CPU. Otherwise the tensor is a copy.
     *
     * @param array the array; not to be closed while the tensor is in use
     * @return the host tensor
     * @throws IllegalArgumentException if {@link DType} does not have the type of the array
     */
    public static HostTensor hostTensor(INDArray array) {
        DType dtype = dtype(array.dataType());
        Shape shape = Shape.of(array.shape());
        if (shape.elements() == 0) {
            return new HostTensor(dtype, shape, MemorySegment.ofArray(new byte[0]));
        }
        if (!Nd4jRuntime.isCpu()) {
            INDArray copy = array.dup('c');
            Nd4j.getAffinityManager()
                    .ensureLocation(copy, org.nd4j.linalg.api.concurrency.AffinityManager.Location.HOST);
            return shared(copy, dtype, shape);
        }
        return shared(isDense(array) ? array : Nd4jRuntime.outOfScopes("a copy", () -> array.dup('c')), dtype, shape);
    }

    /**
     * Returns an array as a tensor of the backend nd4j. The tensor shares the memory of a FLOAT or BFLOAT16 array that is in C order and
     * comprises its complete buffer. Other arrays are copied, those of other types as F32. The tensor belongs to no workspace, and no meter
     * counts it.
     *
     * @param array the array; not to be closed while the tensor is in use
     * @return the tensor
     */
    public static Tensor tensor(INDArray array) {
        boolean bf16 = array.dataType() == DataType.BFLOAT16;
        INDArray stored = bf16 ? array : array.castTo(DataType.FLOAT);
        boolean complete = stored.offset() == 0 && stored.data().length() == stored.length();
        if (!complete || !isDense(stored)) {
            stored = stored.dup('c');
        }
        return new Nd4jTensor(
                null, stored.reshape(stored.length()), bf16 ? DType.BF16 : DType.F32, Shape.of(array.shape()));
    }

    /**
     * Returns an array as a tensor of any backend. The tensor shares the memory if ND4J and the backend both compute in host memory and the
     * array is dense and in C order (see {@link Backend#borrow}). Otherwise it is a copy. Types other than FLOAT and BFLOAT16 become F32.
     *
     * @param backend the backend
     * @param workspace the owner of the tensor
     * @param array the array; not to be closed while the workspace is open
     * @return the tensor
     */
    public static Tensor tensor(Backend backend, Workspace workspace, INDArray array) {
        boolean computable = array.dataType() == DataType.FLOAT || array.dataType() == DataType.BFLOAT16;
        return backend.borrow(workspace, hostTensor(computable ? array : array.castTo(DataType.FLOAT)));
    }

    @SuppressWarnings("restricted")
    private static HostTensor shared(INDArray array, DType dtype, Shape shape) {
        long address = array.data().address() + array.offset() * dtype.bytes();
        MemorySegment memory = MemorySegment.ofAddress(address)
                .reinterpret(
                        shape.elements() * dtype.bytes(),
                        Arena.ofAuto(),
                        segment -> Reference.reachabilityFence(array));
        return new HostTensor(dtype, shape, memory);
    }

    private static boolean isDense(INDArray array) {
        long[] expected = strides(Shape.of(array.shape()));
        for (int axis = 0; axis < expected.length; axis++) {
            if (array.size(axis) > 1 && array.stride(axis) != expected[axis]) {
                return false;
            }
        }
        return true;
    }

    private static long[] strides(Shape shape) {
        long[] strides = new long[shape.rank()];
        long stride = 1;
        for (int axis = strides.length - 1; axis >= 0; axis--) {
            strides[axis] = stride;
            stride *= shape.length(axis);
        }
        return strides;
    }

    private static DataType dataType(DType dtype) {
        return switch (dtype) {
            case F32 -> DataType.FLOAT;
            case BF16 -> DataType.BFLOAT16;
            case F16 -> DataType.FLOAT16;
            case F64 -> DataType.DOUBLE;
            case I64 -> DataType.INT64;
            case I32 -> DataType.INT32;
            case I16 -> DataType.INT16;
            case I8 -> DataType.INT8;
            case U8 -> DataType.UINT8;
            case BOOL -> DataType.BOOL;
        };
    }

    private static DType dtype(DataType type) {
        for (DType dtype : DType.values()) {
            // Compare numbers: ND4J has two constants for some types.
            if (dataType(dtype).toInt() == type.toInt()) {
                return dtype;
            }
        }
        throw new IllegalArgumentException("array must have floats, integers or booleans, found " + type);
    }
}
