package io.lingen.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lingen.core.internal.BFloat16;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

final class HostTensorTest {
    @Test
    void viewsShareMemory() {
        float[] values = {0, 1, 2, 3, 4, 5};
        HostTensor tensor = HostTensor.of(values, 3, 2);
        HostTensor part = tensor.slice(1, 3);
        assertEquals(Shape.of(2, 2), part.shape());
        values[5] = 9;
        assertArrayEquals(new float[] {2, 3, 4, 9}, part.toFloats());
        assertEquals(9, tensor.reshape(6).get(5));
        assertEquals(Shape.of(0, 2), tensor.slice(2, 2).shape());
        assertEquals("F32[3, 2]", tensor.toString());
    }

    @Test
    void float16AndBfloat16AreExact() {
        short[] halves = {Float.floatToFloat16(1.5f), Float.floatToFloat16(-65504), (short) 0x0001};
        HostTensor f16 = new HostTensor(DType.F16, Shape.of(3), MemorySegment.ofArray(halves));
        assertArrayEquals(new float[] {1.5f, -65504, 0x1p-24f}, f16.toFloats());
        short[] bits = {BFloat16.fromFloat(3.140625f)};
        HostTensor bf16 = new HostTensor(DType.BF16, Shape.of(), MemorySegment.ofArray(bits));
        assertEquals(3.140625f, bf16.get(0));
    }

    @Test
    void invalidSizesAreRejected() {
        float[] six = new float[6];
        HostTensor tensor = HostTensor.of(six, 3, 2);
        assertThrows(IllegalArgumentException.class, () -> HostTensor.of(six, 7));
        assertThrows(IllegalArgumentException.class, () -> tensor.reshape(5));
        assertThrows(IllegalArgumentException.class, () -> tensor.slice(0, 4));
        assertThrows(IllegalArgumentException.class, () -> tensor.slice(2, 1));
        assertThrows(IllegalArgumentException.class, () -> tensor.slice(-1, 1));
    }
}
