package io.lingen.cpu.internal.span;

import static io.lingen.cpu.internal.Memory.ALL;
import static io.lingen.cpu.internal.Memory.getFloat;
import static io.lingen.cpu.internal.span.VectorMath.FLOATS;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;

/** The innermost product of matrices: a tile of 8 rows and 2 registers of columns stays in registers while k runs. Strides in bytes. */
final class VectorTile {
    /** 8 x 2 accumulators hide the latency of the multiply-add and leave registers for the operands. */
    static final int ROWS = 8;

    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final int STEP = FLOATS.vectorByteSize();

    private VectorTile() {}

    private static FloatVector at(long address) {
        return FloatVector.fromMemorySegment(FLOATS, ALL, address, LITTLE);
    }

    private static FloatVector all(float value) {
        return FloatVector.broadcast(FLOATS, value);
    }

    /** See {@link Spans#tile}. Rows that don't exist repeat the last one and are not stored. */
    static void compute(
            long a, long aRow, long aColumn, int rows, long b, int k, long c, long cRow, boolean accumulate) {
        FloatVector c00 = FloatVector.zero(FLOATS);
        FloatVector c01 = FloatVector.zero(FLOATS);
        FloatVector c10 = FloatVector.zero(FLOATS);
        FloatVector c11 = FloatVector.zero(FLOATS);
        FloatVector c20 = FloatVector.zero(FLOATS);
        FloatVector c21 = FloatVector.zero(FLOATS);
        FloatVector c30 = FloatVector.zero(FLOATS);
        FloatVector c31 = FloatVector.zero(FLOATS);
        FloatVector c40 = FloatVector.zero(FLOATS);
        FloatVector c41 = FloatVector.zero(FLOATS);
        FloatVector c50 = FloatVector.zero(FLOATS);
        FloatVector c51 = FloatVector.zero(FLOATS);
        FloatVector c60 = FloatVector.zero(FLOATS);
        FloatVector c61 = FloatVector.zero(FLOATS);
        FloatVector c70 = FloatVector.zero(FLOATS);
        FloatVector c71 = FloatVector.zero(FLOATS);
        int last = rows - 1;
        long row1 = Math.min(1, last) * aRow;
        long row2 = Math.min(2, last) * aRow;
        long row3 = Math.min(3, last) * aRow;
        long row4 = Math.min(4, last) * aRow;
        long row5 = Math.min(5, last) * aRow;
        long row6 = Math.min(6, last) * aRow;
        long row7 = Math.min(7, last) * aRow;
        long left = a;
        long right = b;
        for (int i = 0; i < k; i++) {
            FloatVector b0 = at(right);
            FloatVector b1 = at(right + STEP);
            FloatVector a0 = all(getFloat(left));
            c00 = a0.fma(b0, c00);
            c01 = a0.fma(b1, c01);
            FloatVector a1 = all(getFloat(left + row1));
            c10 = a1.fma(b0, c10);
            c11 = a1.fma(b1, c11);
            FloatVector a2 = all(getFloat(left + row2));
            c20 = a2.fma(b0, c20);
            c21 = a2.fma(b1, c21);
            FloatVector a3 = all(getFloat(left + row3));
            c30 = a3.fma(b0, c30);
            c31 = a3.fma(b1, c31);
            FloatVector a4 = all(getFloat(left + row4));
            c40 = a4.fma(b0, c40);
            c41 = a4.fma(b1, c41);
            FloatVector a5 = all(getFloat(left + row5));
            c50 = a5.fma(b0, c50);
            c51 = a5.fma(b1, c51);
            FloatVector a6 = all(getFloat(left + row6));
            c60 = a6.fma(b0, c60);
            c61 = a6.fma(b1, c61);
            FloatVector a7 = all(getFloat(left + row7));
            c70 = a7.fma(b0, c70);
            c71 = a7.fma(b1, c71);
            left += aColumn;
            right += 2L * STEP;
        }
        store(c00, c01, c, accumulate);
        if (last >= 1) {
            store(c10, c11, c + 1 * cRow, accumulate);
        }
        if (last >= 2) {
            store(c20, c21, c + 2 * cRow, accumulate);
        }
        if (last >= 3) {
            store(c30, c31, c + 3 * cRow, accumulate);
        }
        if (last >= 4) {
            store(c40, c41, c + 4 * cRow, accumulate);
        }
        if (last >= 5) {
            store(c50, c51, c + 5 * cRow, accumulate);
        }
        if (last >= 6) {
            store(c60, c61, c + 6 * cRow, accumulate);
        }
        if (last >= 7) {
            store(c70, c71, c + 7 * cRow, accumulate);
        }
    }

    private static void store(FloatVector first, FloatVector second, long address, boolean accumulate) {
        FloatVector sum0 = accumulate ? first.add(at(address)) : first;
        FloatVector sum1 = accumulate ? second.add(at(address + STEP)) : second;
        sum0.intoMemorySegment(ALL, address, LITTLE);
        sum1.intoMemorySegment(ALL, address + STEP, LITTLE);
    }
}
