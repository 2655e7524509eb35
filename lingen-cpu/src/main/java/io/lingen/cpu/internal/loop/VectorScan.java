package io.lingen.cpu.internal.loop;

import static io.lingen.cpu.internal.RawMemory.ALL;
import static io.lingen.cpu.internal.RawMemory.FLOAT;
import static io.lingen.cpu.internal.RawMemory.getFloat;
import static io.lingen.cpu.internal.loop.VectorMath.FLOATS;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;

/**
 * The recurrence of the selective scan over a state [n, p]. The p elements of a head lie along the lanes, so no sum crosses lanes. Strides
 * are in bytes.
 */
final class VectorScan {
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    private VectorScan() {}

    /** Computes one step for one register of elements. */
    static void oneStep(
            long x, long b, long c, float dt, float decay, float d, long state, long stateStride, int n, long y) {
        FloatVector input = fromMemorySegment(FLOATS, ALL, x, LITTLE);
        FloatVector sum = input.mul(d);
        input = input.mul(dt);
        FloatVector decays = broadcast(FLOATS, decay);
        for (int j = 0; j < n; j++) {
            long cell = state + j * stateStride;
            FloatVector h = input.fma(
                    broadcast(FLOATS, ALL.get(FLOAT, b + 4L * j)),
                    fromMemorySegment(FLOATS, ALL, cell, LITTLE).mul(decays));
            h.intoMemorySegment(ALL, cell, LITTLE);
            sum = h.fma(broadcast(FLOATS, ALL.get(FLOAT, c + 4L * j)), sum);
        }
        sum.intoMemorySegment(ALL, y, LITTLE);
    }

    /**
     * Computes four steps for one register of elements. Each part of the state is loaded and stored once for all four steps; otherwise
     * loads and stores would take as long as the arithmetic.
     *
     * @param dt the address of the dt of the first step
     * @param decay the address of the decay of the first step
     */
    static void fourSteps(
            long x,
            long b,
            long c,
            long stride,
            long dt,
            long decay,
            long dtStride,
            float d,
            long state,
            long stateStride,
            int n,
            long y,
            long yStride) {
        fourSteps(
                x,
                b,
                c,
                stride,
                getFloat(dt),
                getFloat(dt + dtStride),
                getFloat(dt + 2 * dtStride),
                getFloat(dt + 3 * dtStride),
                getFloat(decay),
                getFloat(decay + dtStride),
                getFloat(decay + 2 * dtStride),
                getFloat(decay + 3 * dtStride),
                d,
                state,
                stateStride,
                n,
                y,
                yStride);
    }

    private static void fourSteps(
            long x,
            long b,
            long c,
            long stride,
            float dt0,
            float dt1,
            float dt2,
            float dt3,
            float decay0,
            float decay1,
            float decay2,
            float decay3,
            float d,
            long state,
            long stateStride,
            int n,
            long y,
            long yStride) {
        FloatVector x0 = fromMemorySegment(FLOATS, ALL, x, LITTLE);
        FloatVector x1 = fromMemorySegment(FLOATS, ALL, x + stride, LITTLE);
        FloatVector x2 = fromMemorySegment(FLOATS, ALL, x + 2 * stride, LITTLE);
        FloatVector x3 = fromMemorySegment(FLOATS, ALL, x + 3 * stride, LITTLE);
        FloatVector y0 = x0.mul(d);
        FloatVector y1 = x1.mul(d);
        FloatVector y2 = x2.mul(d);
        FloatVector y3 = x3.mul(d);
        x0 = x0.mul(dt0);
        x1 = x1.mul(dt1);
        x2 = x2.mul(dt2);
        x3 = x3.mul(dt3);
        for (int j = 0; j < n; j++) {
            long cell = state + j * stateStride;
            long bj = b + 4L * j;
            long cj = c + 4L * j;
            FloatVector h = fromMemorySegment(FLOATS, ALL, cell, LITTLE).mul(decay0);
            h = x0.fma(broadcast(FLOATS, ALL.get(FLOAT, bj)), h);
            y0 = h.fma(broadcast(FLOATS, ALL.get(FLOAT, cj)), y0);
            h = x1.fma(broadcast(FLOATS, ALL.get(FLOAT, bj + stride)), h.mul(decay1));
            y1 = h.fma(broadcast(FLOATS, ALL.get(FLOAT, cj + stride)), y1);
            h = x2.fma(broadcast(FLOATS, ALL.get(FLOAT, bj + 2 * stride)), h.mul(decay2));
            y2 = h.fma(broadcast(FLOATS, ALL.get(FLOAT, cj + 2 * stride)), y2);
            h = x3.fma(broadcast(FLOATS, ALL.get(FLOAT, bj + 3 * stride)), h.mul(decay3));
            y3 = h.fma(broadcast(FLOATS, ALL.get(FLOAT, cj + 3 * stride)), y3);
            h.intoMemorySegment(ALL, cell, LITTLE);
        }
        y0.intoMemorySegment(ALL, y, LITTLE);
        y1.intoMemorySegment(ALL, y + yStride, LITTLE);
        y2.intoMemorySegment(ALL, y + 2 * yStride, LITTLE);
        y3.intoMemorySegment(ALL, y + 3 * yStride, LITTLE);
    }
}
