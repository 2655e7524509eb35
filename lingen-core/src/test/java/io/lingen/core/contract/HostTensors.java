package io.lingen.core.contract;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.internal.BFloat16;
import java.lang.foreign.MemorySegment;

/** Conversions of numbers to host tensors of the types in checkpoints. */
final class HostTensors {
    private HostTensors() {}

    static HostTensor converted(float[] values, DType dtype, long... lengths) {
        if (dtype == DType.F32) {
            return HostTensor.of(values, lengths);
        }
        short[] bits = new short[values.length];
        for (int i = 0; i < values.length; i++) {
            bits[i] = dtype == DType.BF16 ? BFloat16.fromFloat(values[i]) : Float.floatToFloat16(values[i]);
        }
        return new HostTensor(dtype, Shape.of(lengths), MemorySegment.ofArray(bits));
    }
}
