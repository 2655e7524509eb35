package io.lingen.cpu.internal.span;

import static io.lingen.cpu.internal.Memory.ALL;
import static io.lingen.cpu.internal.Memory.getFloat;
import static io.lingen.cpu.internal.Memory.getLong;
import static io.lingen.cpu.internal.span.VectorMath.FLOATS;

import io.lingen.core.DType;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** The loops in the Vector API: whole registers, then {@link ScalarScanSpans} for what is left over. */
public final class VectorScanSpans implements ScanSpans {
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final int LANES = FLOATS.length();
    private static final int F = Float.BYTES;
    private static final VectorSpecies<Short> SHORTS =
            VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));
    private static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, FLOATS.vectorShape());

    /** The number of each lane. */
    private static final FloatVector LANE = FloatVector.broadcast(FLOATS, 0).addIndex(1);

    /** Up to this decay within a register of steps, exp(-s_j) relative to the first of them stays far from overflow. */
    private static final float SAFE_DECAY = 60;

    @Override
    public void convolve(
            long rows,
            int steps,
            int taps,
            long offset,
            DType source,
            int heads,
            int p,
            long weight,
            int weightStride,
            long bias,
            long scales,
            int scaleStride,
            long plain,
            int plainStride,
            long scaled,
            DType target) {
        for (int head = 0; head < heads; head++) {
            int k = 0;
            long scale = scales == 0 ? 0 : scales + (long) head * F;
            for (; taps == 4 && k <= p - LANES; k += LANES) {
                long channel = (long) head * p + k;
                convolveFourTaps(
                        rows,
                        steps,
                        offset + channel * source.bytes(),
                        source,
                        weight + channel * F,
                        (long) weightStride * F,
                        at(bias + channel * F),
                        scale,
                        (long) scaleStride * F,
                        plain + channel * target.bytes(),
                        (long) plainStride * target.bytes(),
                        scaled + channel * target.bytes(),
                        (long) heads * p * target.bytes(),
                        target);
            }
            long first = (long) head * p;
            ScalarScanSpans.convolveHead(
                    rows,
                    steps,
                    taps,
                    offset + first * source.bytes(),
                    source,
                    k,
                    p,
                    weight + first * F,
                    weightStride,
                    bias + first * F,
                    scale,
                    scaleStride,
                    plain + first * target.bytes(),
                    plainStride,
                    scaled + first * target.bytes(),
                    heads * p,
                    target);
        }
    }

    /** One register of channels, which keeps the past; strides are in bytes. */
    private static void convolveFourTaps(
            long rows,
            int steps,
            long offset,
            DType source,
            long weight,
            long weightStride,
            FloatVector bias,
            long scales,
            long scaleStride,
            long plain,
            long plainStride,
            long scaled,
            long scaledStride,
            DType target) {
        FloatVector w0 = at(weight);
        FloatVector w1 = at(weight + weightStride);
        FloatVector w2 = at(weight + 2 * weightStride);
        FloatVector w3 = at(weight + 3 * weightStride);
        FloatVector x0 = load(getLong(rows) + offset, source);
        FloatVector x1 = load(getLong(rows + 8) + offset, source);
        FloatVector x2 = load(getLong(rows + 16) + offset, source);
        for (int step = 0; step < steps; step++) {
            FloatVector x3 = load(getLong(rows + 24 + 8L * step) + offset, source);
            FloatVector sum = x0.fma(w0, bias).add(x1.mul(w1)).add(x2.fma(w2, x3.mul(w3)));
            FloatVector value = VectorMath.silu(sum);
            store(value, plain + step * plainStride, target);
            if (scales != 0) {
                store(value.mul(getFloat(scales + step * scaleStride)), scaled + step * scaledStride, target);
            }
            x0 = x1;
            x1 = x2;
            x2 = x3;
        }
    }

    /**
     * Of a register of rows, exp(s_i - s_j) = exp(s_i - s_first) exp(s_first - s_j): one factor for each row and one for each column. For
     * the columns before the first row both are at most 1; for the others the second may grow, and the exponentials are taken one by one
     * where it would grow too far.
     */
    @Override
    public void mix(
            long products, long s, long dt, float d, int steps, int stride, long factors, long out, DType dtype) {
        for (int first = 0; first < steps; first += LANES) {
            int rows = Math.min(LANES, steps - first);
            float begin = getFloat(s + (long) first * F);
            boolean safe = begin - getFloat(s + (long) (first + rows - 1) * F) <= SAFE_DECAY;
            for (int j = 0; j < first; j += LANES) {
                long at = (long) j * F;
                put(columnFactors(at(s + at), begin, at(dt + at)), factors + at);
            }
            FloatVector sums = at(s + (long) first * F);
            FloatVector times = at(dt + (long) first * F);
            FloatVector own = columnFactors(sums, begin, times);
            long rowFactors = factors + (long) first * F;
            put(VectorMath.exp(sums.sub(begin)), rowFactors);
            for (int i = 0; i < rows; i++) {
                long row = (long) (first + i) * stride;
                FloatVector factor = all(getFloat(rowFactors + (long) i * F));
                mixRow(products + row * F, factors, factor, first, out + row * dtype.bytes(), dtype);
                FloatVector weight = safe
                        ? own.mul(factor)
                        : VectorMath.exp(all(getFloat(s + (long) (first + i) * F))
                                        .sub(sums))
                                .mul(times);
                FloatVector value = at(products + (row + first) * F).mul(weight);
                value = value.add(d, LANE.compare(VectorOperators.EQ, i))
                        .blend(0f, LANE.compare(VectorOperators.GT, i));
                store(value, out + (row + first) * dtype.bytes(), dtype);
            }
        }
    }

    private static FloatVector columnFactors(FloatVector sums, float begin, FloatVector dt) {
        return VectorMath.exp(all(begin).sub(sums)).mul(dt);
    }

    private static void mixRow(long products, long factors, FloatVector factor, int columns, long out, DType dtype) {
        if (dtype == DType.BF16) {
            for (int j = 0; j < columns; j += LANES) {
                long at = (long) j * F;
                storeRounded(at(products + at).mul(at(factors + at)).mul(factor), out + 2L * j);
            }
        } else {
            for (int j = 0; j < columns; j += LANES) {
                long at = (long) j * F;
                put(at(products + at).mul(at(factors + at)).mul(factor), out + at);
            }
        }
    }

    @Override
    public void decay(long state, int n, int heads, int p, long factors, long out, DType dtype) {
        for (int row = 0; row < n; row++) {
            for (int head = 0; head < heads; head++) {
                long at = ((long) row * heads + head) * p;
                decay(state + at * F, p, getFloat(factors + (long) head * F), out + at * dtype.bytes(), dtype);
            }
        }
    }

    private static void decay(long state, int p, float factor, long out, DType dtype) {
        int k = 0;
        if (dtype == DType.BF16) {
            for (; k <= p - LANES; k += LANES) {
                FloatVector value = at(state + (long) k * F);
                storeRounded(value, out + 2L * k);
                put(value.mul(factor), state + (long) k * F);
            }
        } else {
            for (; k <= p - LANES; k += LANES) {
                FloatVector value = at(state + (long) k * F);
                put(value, out + (long) k * F);
                put(value.mul(factor), state + (long) k * F);
            }
        }
        ScalarScanSpans.decay(state, k, p, factor, out, dtype);
    }

    @Override
    public void finish(long y, long cs, long decays, int heads, int p, boolean accumulate, long out, DType dtype) {
        for (int head = 0; head < heads; head++) {
            long at = (long) head * p;
            float decay = getFloat(decays + (long) head * F);
            finish(y + at * F, cs + at * F, decay, p, accumulate, out + at * dtype.bytes(), dtype);
        }
    }

    private static void finish(long y, long cs, float decay, int p, boolean accumulate, long out, DType dtype) {
        FloatVector decays = all(decay);
        int k = 0;
        for (; k <= p - LANES; k += LANES) {
            long at = (long) k * F;
            FloatVector value = at(cs + at).fma(decays, at(y + at));
            long target = out + (long) k * dtype.bytes();
            if (accumulate) {
                value = value.add(load(target, dtype));
            }
            if (dtype == DType.BF16) {
                VectorMath.roundToBFloat16(value)
                        .convertShape(VectorOperators.I2S, SHORTS, 0)
                        .reinterpretAsShorts()
                        .intoMemorySegment(ALL, target, LITTLE);
            } else {
                put(value, target);
            }
        }
        ScalarScanSpans.finish(y, cs, decay, k, p, accumulate, out, dtype);
    }

    private static FloatVector all(float value) {
        return FloatVector.broadcast(FLOATS, value);
    }

    private static FloatVector at(long address) {
        return FloatVector.fromMemorySegment(FLOATS, ALL, address, LITTLE);
    }

    private static void put(FloatVector value, long address) {
        value.intoMemorySegment(ALL, address, LITTLE);
    }

    private static FloatVector load(long address, DType dtype) {
        if (dtype == DType.F32) {
            return at(address);
        }
        return ShortVector.fromMemorySegment(SHORTS, ALL, address, LITTLE)
                .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0)
                .reinterpretAsInts()
                .lanewise(VectorOperators.LSHL, 16)
                .reinterpretAsFloats();
    }

    private static void store(FloatVector value, long address, DType dtype) {
        if (dtype == DType.BF16) {
            storeRounded(value, address);
        } else {
            put(value, address);
        }
    }

    /** Rounds half away from 0: three instructions less than ties to even, and without preference on average. */
    private static void storeRounded(FloatVector value, long address) {
        value.reinterpretAsInts()
                .add(0x8000)
                .lanewise(VectorOperators.LSHR, 16)
                .convertShape(VectorOperators.I2S, SHORTS, 0)
                .reinterpretAsShorts()
                .intoMemorySegment(ALL, address, LITTLE);
    }
}
