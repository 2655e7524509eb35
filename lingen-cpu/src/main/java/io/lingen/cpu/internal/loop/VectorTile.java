package io.lingen.cpu.internal.loop;

import static io.lingen.cpu.internal.RawMemory.ALL;
import static io.lingen.cpu.internal.RawMemory.FLOAT;
import static io.lingen.cpu.internal.loop.VectorMath.FLOATS;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;

/**
 * The inner loop of the matrix product. A tile of {@link #ROWS} rows by two registers of columns stays in registers over all k. Strides are
 * in bytes. Loads and stores are inlined by hand, see {@link VectorFloatKernels}.
 */
final class VectorTile {
    /** The rows of a tile. 6 x 2 accumulators hide the latency of the multiply-add and leave registers for the operands. */
    static final int ROWS = 6;

    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final int STEP = FLOATS.vectorByteSize();

    private VectorTile() {}

    /** Computes C += A B for {@link #ROWS} rows. */
    static void compute(long a, long aRow, long aColumn, long b, int k, long c, long cRow) {
        FloatVector c00 = fromMemorySegment(FLOATS, ALL, c, LITTLE);
        FloatVector c01 = fromMemorySegment(FLOATS, ALL, c + STEP, LITTLE);
        FloatVector c10 = fromMemorySegment(FLOATS, ALL, c + cRow, LITTLE);
        FloatVector c11 = fromMemorySegment(FLOATS, ALL, c + cRow + STEP, LITTLE);
        FloatVector c20 = fromMemorySegment(FLOATS, ALL, c + 2 * cRow, LITTLE);
        FloatVector c21 = fromMemorySegment(FLOATS, ALL, c + 2 * cRow + STEP, LITTLE);
        FloatVector c30 = fromMemorySegment(FLOATS, ALL, c + 3 * cRow, LITTLE);
        FloatVector c31 = fromMemorySegment(FLOATS, ALL, c + 3 * cRow + STEP, LITTLE);
        FloatVector c40 = fromMemorySegment(FLOATS, ALL, c + 4 * cRow, LITTLE);
        FloatVector c41 = fromMemorySegment(FLOATS, ALL, c + 4 * cRow + STEP, LITTLE);
        FloatVector c50 = fromMemorySegment(FLOATS, ALL, c + 5 * cRow, LITTLE);
        FloatVector c51 = fromMemorySegment(FLOATS, ALL, c + 5 * cRow + STEP, LITTLE);
        long left = a;
        long right = b;
        for (int i = 0; i < k; i++) {
            FloatVector b0 = fromMemorySegment(FLOATS, ALL, right, LITTLE);
            FloatVector b1 = fromMemorySegment(FLOATS, ALL, right + STEP, LITTLE);
            FloatVector a0 = broadcast(FLOATS, ALL.get(FLOAT, left));
            c00 = a0.fma(b0, c00);
            c01 = a0.fma(b1, c01);
            FloatVector a1 = broadcast(FLOATS, ALL.get(FLOAT, left + aRow));
            c10 = a1.fma(b0, c10);
            c11 = a1.fma(b1, c11);
            FloatVector a2 = broadcast(FLOATS, ALL.get(FLOAT, left + 2 * aRow));
            c20 = a2.fma(b0, c20);
            c21 = a2.fma(b1, c21);
            FloatVector a3 = broadcast(FLOATS, ALL.get(FLOAT, left + 3 * aRow));
            c30 = a3.fma(b0, c30);
            c31 = a3.fma(b1, c31);
            FloatVector a4 = broadcast(FLOATS, ALL.get(FLOAT, left + 4 * aRow));
            c40 = a4.fma(b0, c40);
            c41 = a4.fma(b1, c41);
            FloatVector a5 = broadcast(FLOATS, ALL.get(FLOAT, left + 5 * aRow));
            c50 = a5.fma(b0, c50);
            c51 = a5.fma(b1, c51);
            left += aColumn;
            right += 2L * STEP;
        }
        c00.intoMemorySegment(ALL, c, LITTLE);
        c01.intoMemorySegment(ALL, c + STEP, LITTLE);
        c10.intoMemorySegment(ALL, c + cRow, LITTLE);
        c11.intoMemorySegment(ALL, c + cRow + STEP, LITTLE);
        c20.intoMemorySegment(ALL, c + 2 * cRow, LITTLE);
        c21.intoMemorySegment(ALL, c + 2 * cRow + STEP, LITTLE);
        c30.intoMemorySegment(ALL, c + 3 * cRow, LITTLE);
        c31.intoMemorySegment(ALL, c + 3 * cRow + STEP, LITTLE);
        c40.intoMemorySegment(ALL, c + 4 * cRow, LITTLE);
        c41.intoMemorySegment(ALL, c + 4 * cRow + STEP, LITTLE);
        c50.intoMemorySegment(ALL, c + 5 * cRow, LITTLE);
        c51.intoMemorySegment(ALL, c + 5 * cRow + STEP, LITTLE);
    }

    /** Computes C += A B for one row. */
    static void computeRow(long a, long aColumn, long b, int k, long c) {
        FloatVector c0 = fromMemorySegment(FLOATS, ALL, c, LITTLE);
        FloatVector c1 = fromMemorySegment(FLOATS, ALL, c + STEP, LITTLE);
        long left = a;
        long right = b;
        for (int i = 0; i < k; i++) {
            FloatVector factor = broadcast(FLOATS, ALL.get(FLOAT, left));
            c0 = factor.fma(fromMemorySegment(FLOATS, ALL, right, LITTLE), c0);
            c1 = factor.fma(fromMemorySegment(FLOATS, ALL, right + STEP, LITTLE), c1);
            left += aColumn;
            right += 2L * STEP;
        }
        c0.intoMemorySegment(ALL, c, LITTLE);
        c1.intoMemorySegment(ALL, c + STEP, LITTLE);
    }
}
