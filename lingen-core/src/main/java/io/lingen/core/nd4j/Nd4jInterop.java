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
 * ND4J's arrays in and out, without a copy where the memory allows it.
 *
 * <p>What shares memory sees the other's writes. A host tensor's memory stays reachable as long as an array made from it is, and the
 * other way round; a tensor's does not: such an array must not be used once the tensor's workspace is closed. Closing an array that was
 * made here frees nothing. An array over a checkpoint's tensor must not be written to: mapped files are read-only, and the process would
 * be killed. Thread-safe.
 */
public final class Nd4jInterop {
    private static final Cleaner CLEANER = Cleaner.create();

    /** Memory that belongs to somebody else. */
    private static final class Borrowed extends Pointer {
        Borrowed(MemorySegment memory, long elements) {
            address = memory.address();
            limit = elements;
            capacity = elements;
        }
    }

    private Nd4jInterop() {}

    /**
     * A host tensor as an array of the same type and shape. Shared are memory outside of the heap and mapped files, if aligned to their
     * type and if ND4J runs on the CPU; all else is copied.
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
        MemorySegment kept = memory;
        CLEANER.register(buffer, () -> Reference.reachabilityFence(kept));
        INDArray array =
                Nd4j.create(buffer, tensor.shape().toArray(), strides(tensor.shape()), 0, 'c', dataType(dtype));
        return Nd4jRuntime.isCpu() ? array : array.dup();
    }

    /**
     * A tensor of any backend as an array that shares its memory, F32 as FLOAT and BF16 as BFLOAT16. Valid while the tensor's workspace is
     * open.
     *
     * @throws IllegalArgumentException if the tensor's memory is not the host's; download it first
     */
    public static INDArray array(Tensor tensor) {
        if (tensor instanceof Nd4jTensor) {
            return ((Nd4jTensor) tensor).array();
        }
        MemorySegment memory = tensor.hostMemory();
        if (memory == null) {
            throw new IllegalArgumentException(
                    "expected a tensor in host memory, found " + tensor + "; Backend.download gives a host tensor");
        }
        return array(new HostTensor(tensor.dtype(), tensor.shape(), memory));
    }

    /**
     * An array as a host tensor of the same type and shape. Shared is memory in C order without gaps, if ND4J runs on the CPU; all else is
     * copied. The array must not be closed while the host tensor is in use.
     *
     * @throws IllegalArgumentException if the array's type is none of {@link DType}
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
     * An array as a tensor of the backend nd4j. Shared is a FLOAT or BFLOAT16 array in C order that is all of its buffer; all else is copied,
     * other types as F32. The array stays its owner's: no workspace frees it, no meter counts it, and it must not be closed while the
     * tensor is in use.
     */
    public static Tensor tensor(INDArray array) {
        boolean coarse = array.dataType() == DataType.BFLOAT16;
        INDArray stored = coarse ? array : array.castTo(DataType.FLOAT);
        boolean whole = stored.offset() == 0 && stored.data().length() == stored.length();
        if (!whole || !isDense(stored)) {
            stored = stored.dup('c');
        }
        return new Nd4jTensor(
                null, stored.reshape(stored.length()), coarse ? DType.BF16 : DType.F32, Shape.of(array.shape()));
    }

    /**
     * An array as a tensor of any backend: shared where ND4J and the backend both compute in host memory and the array is in C order
     * without gaps (see {@link Backend#borrow}), copied elsewhere; types other than FLOAT and BFLOAT16 become F32.
     *
     * @param workspace the tensor is valid while it is open; the array must not be closed before
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
            // By width and name, since ND4J has two constants for some types.
            if (dataType(dtype).toInt() == type.toInt()) {
                return dtype;
            }
        }
        throw new IllegalArgumentException("expected an array of floats, integers or booleans, found " + type);
    }
}
