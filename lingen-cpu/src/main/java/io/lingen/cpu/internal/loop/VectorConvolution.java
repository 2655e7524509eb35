package io.lingen.cpu.internal.loop;

import static io.lingen.cpu.internal.RawMemory.ALL;
import static io.lingen.cpu.internal.loop.VectorMath.FLOATS;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;

/** The depthwise convolution of one register of channels. Weights and the cells under the taps stay in registers. */
final class VectorConvolution {
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    private VectorConvolution() {}

    /**
     * Computes {@link FloatKernels#depthwiseConvolution}.
     *
     * @param step the distance of cells, and of taps of the weight, in bytes
     */
    static void depthwise(long above, long middle, long below, int cells, long step, long weight, long bias, long out) {
        FloatVector w00 = fromMemorySegment(FLOATS, ALL, weight, LITTLE);
        FloatVector w01 = fromMemorySegment(FLOATS, ALL, weight + step, LITTLE);
        FloatVector w02 = fromMemorySegment(FLOATS, ALL, weight + 2 * step, LITTLE);
        FloatVector w10 = fromMemorySegment(FLOATS, ALL, weight + 3 * step, LITTLE);
        FloatVector w11 = fromMemorySegment(FLOATS, ALL, weight + 4 * step, LITTLE);
        FloatVector w12 = fromMemorySegment(FLOATS, ALL, weight + 5 * step, LITTLE);
        FloatVector w20 = fromMemorySegment(FLOATS, ALL, weight + 6 * step, LITTLE);
        FloatVector w21 = fromMemorySegment(FLOATS, ALL, weight + 7 * step, LITTLE);
        FloatVector w22 = fromMemorySegment(FLOATS, ALL, weight + 8 * step, LITTLE);
        FloatVector b = fromMemorySegment(FLOATS, ALL, bias, LITTLE);
        FloatVector x00 = fromMemorySegment(FLOATS, ALL, above, LITTLE);
        FloatVector x01 = fromMemorySegment(FLOATS, ALL, above + step, LITTLE);
        FloatVector x10 = fromMemorySegment(FLOATS, ALL, middle, LITTLE);
        FloatVector x11 = fromMemorySegment(FLOATS, ALL, middle + step, LITTLE);
        FloatVector x20 = fromMemorySegment(FLOATS, ALL, below, LITTLE);
        FloatVector x21 = fromMemorySegment(FLOATS, ALL, below + step, LITTLE);
        long at = 2 * step;
        long target = out;
        for (int cell = 0; cell < cells; cell++) {
            FloatVector x02 = fromMemorySegment(FLOATS, ALL, above + at, LITTLE);
            FloatVector x12 = fromMemorySegment(FLOATS, ALL, middle + at, LITTLE);
            FloatVector x22 = fromMemorySegment(FLOATS, ALL, below + at, LITTLE);
            FloatVector top = x02.fma(w02, x01.fma(w01, x00.fma(w00, b)));
            FloatVector centre = x12.fma(w12, x11.fma(w11, x10.mul(w10)));
            FloatVector bottom = x22.fma(w22, x21.fma(w21, x20.mul(w20)));
            top.add(centre.add(bottom)).intoMemorySegment(ALL, target, LITTLE);
            x00 = x01;
            x01 = x02;
            x10 = x11;
            x11 = x12;
            x20 = x21;
            x21 = x22;
            at += step;
            target += step;
        }
    }
}
