package io.lingen.cpu.internal.loop;

import static io.lingen.cpu.internal.RawMemory.ALL;
import static io.lingen.cpu.internal.loop.VectorMath.DOWN_1;
import static io.lingen.cpu.internal.loop.VectorMath.DOWN_2;
import static io.lingen.cpu.internal.loop.VectorMath.DOWN_4;
import static io.lingen.cpu.internal.loop.VectorMath.DOWN_8;
import static io.lingen.cpu.internal.loop.VectorMath.EXP_HIGHEST;
import static io.lingen.cpu.internal.loop.VectorMath.EXP_LOWEST;
import static io.lingen.cpu.internal.loop.VectorMath.FLOATS;
import static io.lingen.cpu.internal.loop.VectorMath.LN2_HIGH;
import static io.lingen.cpu.internal.loop.VectorMath.LN2_LOW;
import static io.lingen.cpu.internal.loop.VectorMath.LOG2_E;
import static io.lingen.cpu.internal.loop.VectorMath.ROUNDER;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Loops around an exponential. They inline {@link VectorMath#exp} by hand, see {@link VectorFloatKernels}. */
final class VectorExp {
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final int LANES = FLOATS.length();

    private VectorExp() {}

    /** Computes out = exp(scale x + offset) and returns the sum. n is a multiple of the register's lanes. */
    static float expSum(long x, float scale, float offset, long out, int n) {
        FloatVector scales = broadcast(FLOATS, scale);
        FloatVector offsets = broadcast(FLOATS, offset);
        FloatVector sum = broadcast(FLOATS, 0);
        for (int i = 0; i < n; i += LANES) {
            FloatVector u = fromMemorySegment(FLOATS, ALL, x + 4L * i, LITTLE).fma(scales, offsets);
            FloatVector clamped = u.blend(EXP_HIGHEST, u.compare(VectorOperators.GT, EXP_HIGHEST));
            FloatVector rounded = clamped.fma(broadcast(FLOATS, LOG2_E), broadcast(FLOATS, ROUNDER));
            FloatVector power = rounded.sub(ROUNDER);
            FloatVector r = power.fma(broadcast(FLOATS, -LN2_HIGH), clamped);
            r = power.fma(broadcast(FLOATS, -LN2_LOW), r);
            FloatVector p = broadcast(FLOATS, VectorMath.P7)
                    .fma(r, broadcast(FLOATS, VectorMath.P6))
                    .fma(r, broadcast(FLOATS, VectorMath.P5))
                    .fma(r, broadcast(FLOATS, VectorMath.P4))
                    .fma(r, broadcast(FLOATS, VectorMath.P3))
                    .fma(r, broadcast(FLOATS, VectorMath.P2))
                    .fma(r.mul(r), r.add(1f));
            FloatVector value = p.reinterpretAsInts()
                    .add(rounded.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23))
                    .reinterpretAsFloats()
                    .blend(0f, u.compare(VectorOperators.LT, EXP_LOWEST));
            value.intoMemorySegment(ALL, out + 4L * i, LITTLE);
            sum = sum.add(value);
        }
        if (LANES > 8) {
            sum = sum.add(sum.rearrange(DOWN_8));
        }
        if (LANES > 4) {
            sum = sum.add(sum.rearrange(DOWN_4));
        }
        sum = sum.add(sum.rearrange(DOWN_2));
        return sum.add(sum.rearrange(DOWN_1)).lane(0);
    }

    /**
     * Computes out = x / (1 + exp(x (linear + cubic x^2))). This is SiLU, or GELU because of 0.5 (1 + tanh(u)) = 1 / (1 + exp(-2u)). n is a
     * multiple of the register's lanes.
     */
    static void swish(long x, float linear, float cubic, long out, int n) {
        FloatVector linears = broadcast(FLOATS, linear);
        FloatVector cubics = broadcast(FLOATS, cubic);
        for (int i = 0; i < n; i += LANES) {
            FloatVector input = fromMemorySegment(FLOATS, ALL, x + 4L * i, LITTLE);
            FloatVector u = input.mul(input).fma(cubics, linears).mul(input);
            FloatVector clamped = u.blend(EXP_HIGHEST, u.compare(VectorOperators.GT, EXP_HIGHEST));
            FloatVector rounded = clamped.fma(broadcast(FLOATS, LOG2_E), broadcast(FLOATS, ROUNDER));
            FloatVector power = rounded.sub(ROUNDER);
            FloatVector r = power.fma(broadcast(FLOATS, -LN2_HIGH), clamped);
            r = power.fma(broadcast(FLOATS, -LN2_LOW), r);
            FloatVector p = broadcast(FLOATS, VectorMath.P7)
                    .fma(r, broadcast(FLOATS, VectorMath.P6))
                    .fma(r, broadcast(FLOATS, VectorMath.P5))
                    .fma(r, broadcast(FLOATS, VectorMath.P4))
                    .fma(r, broadcast(FLOATS, VectorMath.P3))
                    .fma(r, broadcast(FLOATS, VectorMath.P2))
                    .fma(r.mul(r), r.add(1f));
            FloatVector value = p.reinterpretAsInts()
                    .add(rounded.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23))
                    .reinterpretAsFloats()
                    .blend(0f, u.compare(VectorOperators.LT, EXP_LOWEST));
            input.div(value.add(1f)).intoMemorySegment(ALL, out + 4L * i, LITTLE);
        }
    }
}
