package io.lingen.cpu.internal.span;

import static io.lingen.cpu.internal.Memory.ALL;
import static io.lingen.cpu.internal.Memory.getFloat;
import static io.lingen.cpu.internal.span.VectorMath.FLOATS;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;

/**
 * The recurrence of the selective scan over a state [n, p], so that the head's elements lie along the lanes and no sum runs across them.
 * Strides are in bytes.
 */
final class VectorScan {
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final int STEP = FLOATS.vectorByteSize();

    private VectorScan() {}

    private static FloatVector at(long address) {
        return FloatVector.fromMemorySegment(FLOATS, ALL, address, LITTLE);
    }

    private static FloatVector all(float value) {
        return FloatVector.broadcast(FLOATS, value);
    }

    private static void put(FloatVector value, long address) {
        value.intoMemorySegment(ALL, address, LITTLE);
    }

    /** One step of one register of elements. */
    static void oneStep(
            long x, long b, long c, float dt, float decay, float d, long state, long stateStride, int n, long y) {
        FloatVector input = at(x);
        FloatVector sum = input.mul(d);
        input = input.mul(dt);
        FloatVector decays = all(decay);
        for (int j = 0; j < n; j++) {
            long cell = state + j * stateStride;
            FloatVector h = input.fma(all(getFloat(b + 4L * j)), at(cell).mul(decays));
            put(h, cell);
            sum = h.fma(all(getFloat(c + 4L * j)), sum);
        }
        put(sum, y);
    }

    /**
     * Four steps of two registers of elements: each part of the state is loaded and stored once for all four, which would otherwise take
     * as long as the arithmetic.
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
        long row1 = stride;
        long row2 = 2 * stride;
        long row3 = 3 * stride;
        FloatVector decay0 = all(getFloat(decay));
        FloatVector decay1 = all(getFloat(decay + dtStride));
        FloatVector decay2 = all(getFloat(decay + 2 * dtStride));
        FloatVector decay3 = all(getFloat(decay + 3 * dtStride));
        FloatVector x00 = at(x);
        FloatVector x01 = at(x + STEP);
        FloatVector x10 = at(x + row1);
        FloatVector x11 = at(x + row1 + STEP);
        FloatVector x20 = at(x + row2);
        FloatVector x21 = at(x + row2 + STEP);
        FloatVector x30 = at(x + row3);
        FloatVector x31 = at(x + row3 + STEP);
        FloatVector y00 = x00.mul(d);
        FloatVector y01 = x01.mul(d);
        FloatVector y10 = x10.mul(d);
        FloatVector y11 = x11.mul(d);
        FloatVector y20 = x20.mul(d);
        FloatVector y21 = x21.mul(d);
        FloatVector y30 = x30.mul(d);
        FloatVector y31 = x31.mul(d);
        x00 = x00.mul(getFloat(dt));
        x01 = x01.mul(getFloat(dt));
        x10 = x10.mul(getFloat(dt + dtStride));
        x11 = x11.mul(getFloat(dt + dtStride));
        x20 = x20.mul(getFloat(dt + 2 * dtStride));
        x21 = x21.mul(getFloat(dt + 2 * dtStride));
        x30 = x30.mul(getFloat(dt + 3 * dtStride));
        x31 = x31.mul(getFloat(dt + 3 * dtStride));
        for (int j = 0; j < n; j++) {
            long cell = state + j * stateStride;
            long bj = b + 4L * j;
            long cj = c + 4L * j;
            FloatVector weight = all(getFloat(bj));
            FloatVector read = all(getFloat(cj));
            FloatVector h0 = x00.fma(weight, at(cell).mul(decay0));
            FloatVector h1 = x01.fma(weight, at(cell + STEP).mul(decay0));
            y00 = h0.fma(read, y00);
            y01 = h1.fma(read, y01);
            weight = all(getFloat(bj + row1));
            read = all(getFloat(cj + row1));
            h0 = x10.fma(weight, h0.mul(decay1));
            h1 = x11.fma(weight, h1.mul(decay1));
            y10 = h0.fma(read, y10);
            y11 = h1.fma(read, y11);
            weight = all(getFloat(bj + row2));
            read = all(getFloat(cj + row2));
            h0 = x20.fma(weight, h0.mul(decay2));
            h1 = x21.fma(weight, h1.mul(decay2));
            y20 = h0.fma(read, y20);
            y21 = h1.fma(read, y21);
            weight = all(getFloat(bj + row3));
            read = all(getFloat(cj + row3));
            h0 = x30.fma(weight, h0.mul(decay3));
            h1 = x31.fma(weight, h1.mul(decay3));
            y30 = h0.fma(read, y30);
            y31 = h1.fma(read, y31);
            put(h0, cell);
            put(h1, cell + STEP);
        }
        put(y00, y);
        put(y01, y + STEP);
        put(y10, y + yStride);
        put(y11, y + yStride + STEP);
        put(y20, y + 2 * yStride);
        put(y21, y + 2 * yStride + STEP);
        put(y30, y + 3 * yStride);
        put(y31, y + 3 * yStride + STEP);
    }
}
