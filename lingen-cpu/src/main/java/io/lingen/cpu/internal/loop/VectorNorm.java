package io.lingen.cpu.internal.loop;

import static io.lingen.cpu.internal.RawMemory.ALL;
import static io.lingen.cpu.internal.loop.VectorMath.DOWN_1;
import static io.lingen.cpu.internal.loop.VectorMath.DOWN_2;
import static io.lingen.cpu.internal.loop.VectorMath.DOWN_4;
import static io.lingen.cpu.internal.loop.VectorMath.DOWN_8;
import static io.lingen.cpu.internal.loop.VectorMath.FLOATS;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;

/**
 * RMS norm of rows whose length is a multiple of the register's lanes. All rows are in one loop, so that the sum and the root of a narrow
 * row overlap with the next row.
 *
 * <p>The inner loops end where an address equals another. The compiler would take a comparison by order for a counted loop and divide it
 * into three; for the few registers of a row, that takes longer than the work.
 */
final class VectorNorm {
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final int LANES = FLOATS.length();
    private static final int STEP = FLOATS.vectorByteSize();

    private VectorNorm() {}

    /** Computes {@link FloatKernels#rmsNorm}. */
    static void rms(long x, long weight, float epsilon, long out, int rows, int d) {
        long bytes = (long) d * Float.BYTES;
        long toOut = out - x;
        for (int row = 0; row < rows; row++) {
            long first = x + row * bytes;
            long end = first + bytes;
            long fours = end - bytes % (4 * STEP);
            FloatVector sum0 = broadcast(FLOATS, 0);
            FloatVector sum1 = broadcast(FLOATS, 0);
            FloatVector sum2 = broadcast(FLOATS, 0);
            FloatVector sum3 = broadcast(FLOATS, 0);
            long at = first;
            for (; at != fours; at += 4 * STEP) {
                FloatVector x0 = fromMemorySegment(FLOATS, ALL, at, LITTLE);
                FloatVector x1 = fromMemorySegment(FLOATS, ALL, at + STEP, LITTLE);
                FloatVector x2 = fromMemorySegment(FLOATS, ALL, at + 2 * STEP, LITTLE);
                FloatVector x3 = fromMemorySegment(FLOATS, ALL, at + 3 * STEP, LITTLE);
                sum0 = x0.fma(x0, sum0);
                sum1 = x1.fma(x1, sum1);
                sum2 = x2.fma(x2, sum2);
                sum3 = x3.fma(x3, sum3);
            }
            for (; at != end; at += STEP) {
                FloatVector x0 = fromMemorySegment(FLOATS, ALL, at, LITTLE);
                sum0 = x0.fma(x0, sum0);
            }
            FloatVector sum = sum0.add(sum1).add(sum2.add(sum3));
            if (LANES > 8) {
                sum = sum.add(sum.rearrange(DOWN_8));
            }
            if (LANES > 4) {
                sum = sum.add(sum.rearrange(DOWN_4));
            }
            sum = sum.add(sum.rearrange(DOWN_2));
            float squares = sum.add(sum.rearrange(DOWN_1)).lane(0);
            FloatVector factor = broadcast(FLOATS, (float) (1 / Math.sqrt(squares / d + epsilon)));
            long toWeight = weight - first;
            for (at = first; at != end; at += STEP) {
                fromMemorySegment(FLOATS, ALL, at, LITTLE)
                        .mul(factor)
                        .mul(fromMemorySegment(FLOATS, ALL, at + toWeight, LITTLE))
                        .intoMemorySegment(ALL, at + toOut, LITTLE);
            }
        }
    }
}
