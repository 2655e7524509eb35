package io.lingen.core.contract;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.internal.BFloat16;
import io.lingen.core.op.Epilogue;
import io.lingen.core.op.LinearParameters;
import io.lingen.core.op.LinearWeights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The contract of workspaces, transfers, views, and the use by several threads. */
public abstract class MemoryContract extends BackendContract {
    private static final float[] AWKWARD = {
        0f,
        -0f,
        1f,
        -1.5f,
        Float.MAX_VALUE,
        -Float.MAX_VALUE,
        Float.MIN_NORMAL,
        Float.POSITIVE_INFINITY,
        Float.NEGATIVE_INFINITY,
        Float.NaN,
        // Two ties between BF16 values, which round down and up to even, and a value just above a tie.
        Float.intBitsToFloat(0x3F808000),
        Float.intBitsToFloat(0x3F818000),
        Float.intBitsToFloat(0x3F808001)
    };

    @Test
    void borrowedMemoryHoldsTheSourceAndOutlivesTheWorkspace() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(12, 4);
            memory.copyFrom(MemorySegment.ofArray(new float[] {1, 2, 3}));
            HostTensor source = new HostTensor(DType.F32, Shape.of(3), memory);
            boolean shared;
            try (Workspace workspace = backend().newWorkspace()) {
                Tensor borrowed = backend().borrow(workspace, source);
                assertArrayEquals(new float[] {1, 2, 3}, floats(borrowed));
                Tensor onHeap = backend().borrow(workspace, HostTensor.of(new float[] {4, 5}, 2));
                assertArrayEquals(new float[] {4, 5}, floats(onHeap));
                MemorySegment host = borrowed.hostMemory();
                shared = host != null && host.address() == memory.address();
                backend().write(HostTensor.of(new float[] {7, 8, 9}, 3), borrowed);
            }
            assertArrayEquals(shared ? new float[] {7, 8, 9} : new float[] {1, 2, 3}, source.toFloats());
        }
    }

    @Test
    void transfersAreExact() {
        Tensor f32 = sample(DType.F32, AWKWARD, AWKWARD.length).tensor();
        assertArrayEquals(AWKWARD, floats(f32));
        Tensor bf16 = sample(DType.BF16, AWKWARD, AWKWARD.length).tensor();
        float[] rounded = new float[AWKWARD.length];
        for (int i = 0; i < rounded.length; i++) {
            rounded[i] = BFloat16.round(AWKWARD[i]);
        }
        assertArrayEquals(rounded, floats(bf16));
        assertEquals(DType.F32, backend().download(bf16).dtype());
        backend().write(HostTensor.of(new float[AWKWARD.length], AWKWARD.length), bf16);
        assertArrayEquals(new float[AWKWARD.length], floats(bf16));
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "BF16", "F16"})
    void everyStoredTypeIsUploaded(DType stored) {
        HostTensor host = HostTensors.converted(normals(1, 7 * 33), stored, 7, 33);
        for (DType dtype : TYPES) {
            Tensor tensor = backend().upload(workspace(), host, dtype);
            assertEquals(dtype, tensor.dtype());
            assertEquals(Shape.of(7, 33), tensor.shape());
            assertEquals(7 * 33L * dtype.bytes(), tensor.byteSize());
            assertClose(rounded(host.toFloats(), dtype), tensor, 0);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "BF16"})
    void viewsShareMemory(DType dtype) {
        Sample whole = normal(dtype, 1, 6, 2, 5);
        Tensor part = whole.tensor().slice(1, 5).slice(2, 3);
        assertEquals(Shape.of(1, 2, 5), part.shape());
        assertClose(Arrays.copyOfRange(whole.values(), 30, 40), part, 0);
        Tensor row = whole.tensor().reshape(Shape.of(12, 5)).slice(7, 8).reshape(Shape.of(5));
        backend().write(HostTensor.of(new float[] {1, 2, 3, 4, 5}, 5), row);
        double[] expected = whole.values().clone();
        for (int i = 0; i < 5; i++) {
            expected[35 + i] = i + 1;
        }
        assertClose(expected, whole.tensor(), 0);
        assertRejected(() -> part.reshape(Shape.of(11)));
        assertRejected(() -> part.slice(0, 2));
        assertRejected(() -> part.slice(-1, 1));
        assertRejected(() -> part.slice(1, 0));
    }

    @Test
    void hostMemoryHoldsTheElements() {
        for (DType dtype : TYPES) {
            Sample whole = normal(dtype, 1, 5, 3);
            MemorySegment memory = whole.tensor().slice(2, 4).hostMemory();
            if (memory == null) {
                continue; // memory of a device
            }
            assertEquals(6L * dtype.bytes(), memory.byteSize());
            for (int i = 0; i < 6; i++) {
                float found = dtype == DType.F32
                        ? memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, i * 4L)
                        : BFloat16.toFloat(memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, i * 2L));
                assertEquals(whole.values()[6 + i], found);
            }
        }
    }

    @Test
    void workspacesOwnTheirMemory() {
        long before = backend().memory().liveBytes();
        backend().memory().resetPeak();
        Workspace inner = backend().newWorkspace();
        inner.allocate(DType.F32, 1000);
        inner.allocate(DType.BF16, 10, 100);
        long live = backend().memory().liveBytes() - before;
        assertTrue(live >= 6000 && live <= 6000 + 2 * 4096, "live bytes must be 6000 plus padding, found " + live);
        inner.close();
        inner.close();
        assertEquals(before, backend().memory().liveBytes());
        assertTrue(backend().memory().peakBytes() >= before + 6000);
        assertThrows(IllegalStateException.class, () -> inner.allocate(DType.F32, 1));
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"F32", "BF16"})
    void onlyComputeTypesAreAllocated(DType dtype) {
        assertRejected(() -> workspace().allocate(dtype, 3));
    }

    @Test
    void packedWeightsBelongToTheirWorkspace() {
        long before = backend().memory().liveBytes();
        try (Workspace inner = backend().newWorkspace()) {
            LinearParameters source = new LinearParameters(HostTensor.of(normals(1, 64 * 32), 64, 32), null);
            LinearWeights weights = backend().packLinear(inner, source, DType.F32);
            assertEquals(64, weights.outFeatures());
            assertTrue(backend().memory().liveBytes() - before >= 64 * 32 * 4);
        }
        assertEquals(before, backend().memory().liveBytes());
    }

    @Test
    void differentShapesAreRejected() {
        Tensor target = output(DType.F32, 2, 3);
        HostTensor source = HostTensor.of(new float[6], 3, 2);
        assertRejected(() -> backend().write(source, target));
    }

    @ParameterizedTest
    @ValueSource(ints = {4})
    void threadsDoNotDisturbEachOther(int threads) throws Exception {
        Layer layer = layer(DType.F32, 48, 48, true);
        Sample x = normal(DType.F32, 1, 40, 48);
        Sample shift = normal(DType.F32, 1, 48);
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        try {
            List<Future<float[]>> results = new ArrayList<>();
            for (int i = 0; i < 3 * threads; i++) {
                results.add(executor.submit(() -> {
                    try (Workspace own = backend().newWorkspace()) {
                        Tensor y = own.allocate(DType.F32, 40, 48);
                        Tensor z = own.allocate(DType.BF16, 40, 48);
                        backend().linear(x.tensor(), layer.weights(), Epilogue.GELU, y);
                        backend().modulatedLayerNorm(y, shift.tensor(), shift.tensor(), 1e-6f, z);
                        backend().linear(z, layer.weights(), Epilogue.ADD, y);
                        return floats(y);
                    }
                }));
            }
            float[] first = results.get(0).get();
            for (Future<float[]> result : results) {
                assertArrayEquals(first, result.get());
            }
        } finally {
            executor.shutdownNow();
        }
    }
}
