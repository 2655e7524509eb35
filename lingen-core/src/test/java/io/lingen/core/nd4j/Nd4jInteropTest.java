package io.lingen.core.nd4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.internal.BFloat16;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.WeakReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Tests of conversions between tensors and ND4J arrays. */
final class Nd4jInteropTest {
    /** A tensor of another backend, with host memory at an address. */
    private record Foreign(
            Shape shape, DType dtype, @Nullable MemorySegment hostMemory) implements Tensor {
        @Override
        public Tensor reshape(Shape other) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Tensor slice(long from, long to) {
            throw new UnsupportedOperationException();
        }
    }

    @Test
    void offHeapHostTensorsAreShared() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3, 4, 5, 6);
            INDArray array = Nd4jInterop.array(new HostTensor(DType.F32, Shape.of(2, 3), memory));
            assertArrayEquals(new long[] {2, 3}, array.shape());
            assertEquals(6, array.getFloat(1, 2));
            memory.setAtIndex(ValueLayout.JAVA_FLOAT, 5, 7);
            assertEquals(7, array.getFloat(1, 2));
            array.addi(1);
            assertEquals(8, memory.getAtIndex(ValueLayout.JAVA_FLOAT, 5));
            array.close();
            assertEquals(
                    8,
                    memory.getAtIndex(ValueLayout.JAVA_FLOAT, 5),
                    "closing an array does not free the shared memory");
        }
    }

    @Test
    void bfloat16TensorsAreShared() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocateFrom(
                    ValueLayout.JAVA_SHORT, BFloat16.fromFloat(1.5f), BFloat16.fromFloat(-2), BFloat16.fromFloat(3));
            INDArray array = Nd4jInterop.array(new Foreign(Shape.of(3), DType.BF16, memory));
            assertEquals(DataType.BFLOAT16, array.dataType());
            assertArrayEquals(
                    new float[] {1.5f, -2, 3}, array.castTo(DataType.FLOAT).toFloatVector());
            memory.setAtIndex(ValueLayout.JAVA_SHORT, 0, BFloat16.fromFloat(9));
            assertEquals(9, array.getFloat(0));
        }
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void allTypesSurviveTheRoundTrip(DType dtype) {
        byte[] bytes = new byte[4 * dtype.bytes()];
        bytes[0] = 1;
        bytes[3 * dtype.bytes()] = 1;
        HostTensor onHeap = new HostTensor(dtype, Shape.of(2, 2), MemorySegment.ofArray(bytes));
        HostTensor back = Nd4jInterop.hostTensor(Nd4jInterop.array(onHeap));
        assertEquals(dtype, back.dtype());
        assertEquals(Shape.of(2, 2), back.shape());
        assertArrayEquals(bytes, back.memory().toArray(ValueLayout.JAVA_BYTE));
    }

    @Test
    void arraysKeepTheMemoryOfTheirHostTensors() {
        MemorySegment memory = Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3);
        WeakReference<Object> scope = new WeakReference<>(memory.scope());
        INDArray array = Nd4jInterop.array(new HostTensor(DType.F32, Shape.of(3), memory));
        memory = null;
        System.gc();
        assertNotNull(scope.get());
        assertEquals(3, array.getFloat(2));
    }

    @Test
    void misalignedMemoryIsCopied() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(9).asSlice(1);
            memory.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4, 5f);
            INDArray array = Nd4jInterop.array(new HostTensor(DType.F32, Shape.of(2), memory));
            assertEquals(5, array.getFloat(1));
        }
    }

    @Test
    void onlyDenseArraysAreShared() {
        INDArray array = Nd4j.createFromArray(new float[] {1, 2, 3, 4, 5, 6}).reshape(2, 3);
        HostTensor shared = Nd4jInterop.hostTensor(array);
        HostTensor row = Nd4jInterop.hostTensor(array.get(NDArrayIndex.interval(1, 2), NDArrayIndex.all()));
        HostTensor transposed = Nd4jInterop.hostTensor(array.transpose());
        HostTensor band = Nd4jInterop.hostTensor(array.get(NDArrayIndex.all(), NDArrayIndex.interval(1, 3)));
        array.muli(10);
        assertArrayEquals(new float[] {10, 20, 30, 40, 50, 60}, shared.toFloats());
        assertArrayEquals(new float[] {40, 50, 60}, row.toFloats());
        assertEquals(Shape.of(3, 2), transposed.shape());
        assertArrayEquals(new float[] {1, 4, 2, 5, 3, 6}, transposed.toFloats());
        assertArrayEquals(new float[] {2, 3, 5, 6}, band.toFloats());
    }

    @Test
    void backendTensorsSurviveTheRoundTrip() {
        try (Backend backend = new Backend(new Nd4jKernels(new BackendOptions(1)));
                Workspace workspace = backend.newWorkspace()) {
            INDArray array = Nd4j.createFromArray(new float[] {1, 2, 3, 4}).reshape(2, 2);
            Tensor tensor = Nd4jInterop.tensor(array);
            backend.add(tensor, tensor, tensor);
            assertArrayEquals(new float[] {2, 4, 6, 8}, array.reshape(4).toFloatVector());
            Tensor copied = Nd4jInterop.tensor(array.transpose());
            assertArrayEquals(new float[] {2, 6, 4, 8}, backend.download(copied).toFloats());
            Tensor own = workspace.allocate(DType.BF16, 4, 3);
            Nd4jInterop.array(own.slice(1, 3)).assign(7);
            assertEquals(7, backend.download(own).get(5));
            assertEquals(DataType.BFLOAT16, Nd4jInterop.array(own).dataType());
        }
    }

    @Test
    void unsupportedTensorsAreRejected() {
        assertThrows(
                IllegalArgumentException.class, () -> Nd4jInterop.array(new Foreign(Shape.of(3), DType.F32, null)));
        INDArray words = Nd4j.create(DataType.UINT64, 3);
        assertThrows(IllegalArgumentException.class, () -> Nd4jInterop.hostTensor(words));
    }
}
