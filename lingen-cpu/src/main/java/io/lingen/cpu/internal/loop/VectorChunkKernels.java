package io.lingen.cpu.internal.loop;

import static io.lingen.cpu.internal.RawMemory.ALL;
import static io.lingen.cpu.internal.RawMemory.getFloat;
import static io.lingen.cpu.internal.loop.VectorMath.FLOATS;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import io.lingen.core.DType;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops in the Vector API. {@link ScalarChunkKernels} computes the tails that do not fill a register. Loads and stores are inlined by
 * hand, see {@link VectorFloatKernels}.
 */
public final class VectorChunkKernels implements ChunkKernels {
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final int LANES = FLOATS.length();
    private static final int F = Float.BYTES;
    private static final VectorSpecies<Short> SHORTS =
            VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));
    private static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, FLOATS.vectorShape());

    /** The index of each lane. */
    private static final FloatVector LANE = broadcast(FLOATS, 0).addIndex(1);

    /** Half a unit in the last place of BF16, in the bits of an F32. Adding it before truncation rounds ties away from 0. */
    private static final int HALF = 0x8000;

    /** The largest decay within a register of steps for which exp(s_first - s_j) cannot overflow. */
    private static final float SAFE_DECAY = 60;

    /** Creates the loops. */
    public VectorChunkKernels() {}

    @Override
    public void scaleInputs(
            long x,
            int steps,
            int heads,
            int p,
            long scales,
            int scaleStride,
            long plain,
            long scaled,
            int stride,
            DType dtype) {
        int bytes = dtype.bytes();
        for (int step = 0; step < steps; step++) {
            for (int head = 0; head < heads; head++) {
                float scale = getFloat(scales + ((long) step * scaleStride + head) * F);
                long from = x + ((long) step * heads + head) * p * F;
                long to = ((long) step * stride + (long) head * p) * bytes;
                int done = dtype == DType.BF16
                        ? scaleInputsBf16(from, p, scale, plain + to, scaled + to)
                        : scaleInputsF32(from, p, scale, plain + to, scaled + to);
                ScalarChunkKernels.scaleInputs(from, done, p, scale, plain + to, scaled + to, dtype);
            }
        }
    }

    private static int scaleInputsBf16(long x, int p, float scale, long plain, long scaled) {
        int k = 0;
        for (; k <= p - LANES; k += LANES) {
            FloatVector value = fromMemorySegment(FLOATS, ALL, x + (long) k * F, LITTLE);
            value.reinterpretAsInts()
                    .add(HALF)
                    .lanewise(VectorOperators.LSHR, 16)
                    .convertShape(VectorOperators.I2S, SHORTS, 0)
                    .reinterpretAsShorts()
                    .intoMemorySegment(ALL, plain + 2L * k, LITTLE);
            value.mul(scale)
                    .reinterpretAsInts()
                    .add(HALF)
                    .lanewise(VectorOperators.LSHR, 16)
                    .convertShape(VectorOperators.I2S, SHORTS, 0)
                    .reinterpretAsShorts()
                    .intoMemorySegment(ALL, scaled + 2L * k, LITTLE);
        }
        return k;
    }

    private static int scaleInputsF32(long x, int p, float scale, long plain, long scaled) {
        int k = 0;
        for (; k <= p - LANES; k += LANES) {
            FloatVector value = fromMemorySegment(FLOATS, ALL, x + (long) k * F, LITTLE);
            value.intoMemorySegment(ALL, plain + (long) k * F, LITTLE);
            value.mul(scale).intoMemorySegment(ALL, scaled + (long) k * F, LITTLE);
        }
        return k;
    }

    /**
     * {@inheritDoc}
     *
     * <p>For a register of rows, exp(s_i - s_j) = exp(s_i - s_first) exp(s_first - s_j), one factor per row and one per column. Both are at
     * most 1 for columns before the first row. The column factor may exceed 1 in the other columns. Where it could overflow, the
     * exponentials are computed for each element.
     */
    @Override
    public void intraChunkMatrix(
            long products, long s, long dt, float d, int steps, int stride, long factors, long out, DType dtype) {
        long rowFactors = factors + (long) stride * F;
        for (int first = 0; first < steps; first += LANES) {
            int rows = Math.min(LANES, steps - first);
            long own = (long) first * F;
            float begin = getFloat(s + own);
            boolean safe = begin - getFloat(s + (long) (first + rows - 1) * F) <= SAFE_DECAY;
            VectorExp.expSum(s, -1, begin, factors, first + LANES);
            multiply(factors, dt, first + LANES);
            VectorExp.expSum(s + own, 1, -begin, rowFactors, LANES);
            for (int i = 0; i < rows; i++) {
                long row = (long) (first + i) * stride;
                float factor = getFloat(rowFactors + (long) i * F);
                if (!safe) {
                    VectorExp.expSum(s + own, -1, getFloat(s + own + (long) i * F), factors + own, LANES);
                    multiply(factors + own, dt + own, LANES);
                }
                float ownFactor = safe ? factor : 1;
                if (dtype == DType.BF16) {
                    intraChunkMatrixBf16(products + row * F, factors, factor, ownFactor, first, i, d, out + row * 2);
                } else {
                    intraChunkMatrixF32(products + row * F, factors, factor, ownFactor, first, i, d, out + row * F);
                }
            }
        }
    }

    private static void multiply(long factors, long dt, int n) {
        for (int j = 0; j < n; j += LANES) {
            long at = (long) j * F;
            fromMemorySegment(FLOATS, ALL, factors + at, LITTLE)
                    .mul(fromMemorySegment(FLOATS, ALL, dt + at, LITTLE))
                    .intoMemorySegment(ALL, factors + at, LITTLE);
        }
    }

    /** Computes a row whose last register has the diagonal in lane {@code diagonal}. */
    private static void intraChunkMatrixBf16(
            long products, long factors, float factor, float ownFactor, int columns, int diagonal, float d, long out) {
        for (int j = 0; j < columns; j += LANES) {
            long at = (long) j * F;
            fromMemorySegment(FLOATS, ALL, products + at, LITTLE)
                    .mul(fromMemorySegment(FLOATS, ALL, factors + at, LITTLE))
                    .mul(factor)
                    .reinterpretAsInts()
                    .add(HALF)
                    .lanewise(VectorOperators.LSHR, 16)
                    .convertShape(VectorOperators.I2S, SHORTS, 0)
                    .reinterpretAsShorts()
                    .intoMemorySegment(ALL, out + 2L * j, LITTLE);
        }
        long at = (long) columns * F;
        FloatVector value = fromMemorySegment(FLOATS, ALL, products + at, LITTLE)
                .mul(fromMemorySegment(FLOATS, ALL, factors + at, LITTLE))
                .mul(ownFactor);
        value.add(d, LANE.compare(VectorOperators.EQ, diagonal))
                .blend(0f, LANE.compare(VectorOperators.GT, diagonal))
                .reinterpretAsInts()
                .add(HALF)
                .lanewise(VectorOperators.LSHR, 16)
                .convertShape(VectorOperators.I2S, SHORTS, 0)
                .reinterpretAsShorts()
                .intoMemorySegment(ALL, out + 2L * columns, LITTLE);
    }

    private static void intraChunkMatrixF32(
            long products, long factors, float factor, float ownFactor, int columns, int diagonal, float d, long out) {
        for (int j = 0; j < columns; j += LANES) {
            long at = (long) j * F;
            fromMemorySegment(FLOATS, ALL, products + at, LITTLE)
                    .mul(fromMemorySegment(FLOATS, ALL, factors + at, LITTLE))
                    .mul(factor)
                    .intoMemorySegment(ALL, out + at, LITTLE);
        }
        long at = (long) columns * F;
        FloatVector value = fromMemorySegment(FLOATS, ALL, products + at, LITTLE)
                .mul(fromMemorySegment(FLOATS, ALL, factors + at, LITTLE))
                .mul(ownFactor);
        value.add(d, LANE.compare(VectorOperators.EQ, diagonal))
                .blend(0f, LANE.compare(VectorOperators.GT, diagonal))
                .intoMemorySegment(ALL, out + at, LITTLE);
    }

    @Override
    public void decay(long state, int n, int heads, int p, long factors, long out, DType dtype) {
        for (int row = 0; row < n; row++) {
            for (int head = 0; head < heads; head++) {
                long at = ((long) row * heads + head) * p;
                float factor = getFloat(factors + (long) head * F);
                long target = out + at * dtype.bytes();
                int done = dtype == DType.BF16
                        ? decayBf16(state + at * F, p, factor, target)
                        : decayF32(state + at * F, p, factor, target);
                ScalarChunkKernels.decay(state + at * F, done, p, factor, target, dtype);
            }
        }
    }

    private static int decayBf16(long state, int p, float factor, long out) {
        int k = 0;
        for (; k <= p - LANES; k += LANES) {
            long at = state + (long) k * F;
            FloatVector value = fromMemorySegment(FLOATS, ALL, at, LITTLE);
            value.reinterpretAsInts()
                    .add(HALF)
                    .lanewise(VectorOperators.LSHR, 16)
                    .convertShape(VectorOperators.I2S, SHORTS, 0)
                    .reinterpretAsShorts()
                    .intoMemorySegment(ALL, out + 2L * k, LITTLE);
            value.mul(factor).intoMemorySegment(ALL, at, LITTLE);
        }
        return k;
    }

    private static int decayF32(long state, int p, float factor, long out) {
        int k = 0;
        for (; k <= p - LANES; k += LANES) {
            long at = state + (long) k * F;
            FloatVector value = fromMemorySegment(FLOATS, ALL, at, LITTLE);
            value.intoMemorySegment(ALL, out + (long) k * F, LITTLE);
            value.mul(factor).intoMemorySegment(ALL, at, LITTLE);
        }
        return k;
    }

    @Override
    public void addStateOutput(
            long y, long cs, long decays, int heads, int p, boolean accumulate, long out, DType dtype) {
        for (int head = 0; head < heads; head++) {
            long at = (long) head * p * F;
            float decay = getFloat(decays + (long) head * F);
            long target = out + (long) head * p * dtype.bytes();
            int done = dtype == DType.BF16
                    ? addStateOutputBf16(y + at, cs + at, decay, p, accumulate, target)
                    : addStateOutputF32(y + at, cs + at, decay, p, accumulate, target);
            ScalarChunkKernels.addStateOutput(y + at, cs + at, decay, done, p, accumulate, target, dtype);
        }
    }

    private static int addStateOutputBf16(long y, long cs, float decay, int p, boolean accumulate, long out) {
        FloatVector decays = broadcast(FLOATS, decay);
        int k = 0;
        for (; k <= p - LANES; k += LANES) {
            long at = (long) k * F;
            FloatVector value = fromMemorySegment(FLOATS, ALL, cs + at, LITTLE)
                    .fma(decays, fromMemorySegment(FLOATS, ALL, y + at, LITTLE));
            if (accumulate) {
                value = ShortVector.fromMemorySegment(SHORTS, ALL, out + 2L * k, LITTLE)
                        .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0)
                        .reinterpretAsInts()
                        .lanewise(VectorOperators.LSHL, 16)
                        .reinterpretAsFloats()
                        .add(value);
            }
            IntVector bits = value.reinterpretAsInts();
            IntVector upper = bits.lanewise(VectorOperators.LSHR, 16);
            upper.and(1)
                    .add(bits)
                    .add(0x7FFF)
                    .lanewise(VectorOperators.LSHR, 16)
                    .blend(
                            upper.or(0x40),
                            value.compare(VectorOperators.NE, value).cast(INTS))
                    .convertShape(VectorOperators.I2S, SHORTS, 0)
                    .reinterpretAsShorts()
                    .intoMemorySegment(ALL, out + 2L * k, LITTLE);
        }
        return k;
    }

    private static int addStateOutputF32(long y, long cs, float decay, int p, boolean accumulate, long out) {
        FloatVector decays = broadcast(FLOATS, decay);
        int k = 0;
        for (; k <= p - LANES; k += LANES) {
            long at = (long) k * F;
            FloatVector value = fromMemorySegment(FLOATS, ALL, cs + at, LITTLE)
                    .fma(decays, fromMemorySegment(FLOATS, ALL, y + at, LITTLE));
            if (accumulate) {
                value = value.add(fromMemorySegment(FLOATS, ALL, out + at, LITTLE));
            }
            value.intoMemorySegment(ALL, out + at, LITTLE);
        }
        return k;
    }
}
