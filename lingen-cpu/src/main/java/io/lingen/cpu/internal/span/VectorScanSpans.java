package io.lingen.cpu.internal.span;

import static io.lingen.cpu.internal.Memory.ALL;
import static io.lingen.cpu.internal.Memory.getFloat;
import static io.lingen.cpu.internal.span.VectorMath.FLOATS;

import io.lingen.core.DType;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** The loops in the Vector API: whole registers, then {@link ScalarScanSpans} for what is left over. */
final class VectorScanSpans implements ScanSpans {
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final int LANES = FLOATS.length();
    private static final VectorSpecies<Short> SHORTS =
            VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));
    private static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, FLOATS.vectorShape());

    @Override
    public void mix(
            long c,
            int cStride,
            int n,
            long products,
            int productStride,
            long s,
            long decay,
            int decayStride,
            long dt,
            float d,
            int steps,
            long out,
            int outStride,
            DType dtype) {
        int bytes = dtype.bytes();
        for (int i = 0; i < steps; i++) {
            long row = out + (long) i * outStride * bytes;
            mixState(c + (long) i * cStride * bytes, n, getFloat(decay + 4L * i * decayStride), row, dtype);
            mixInputs(products + 4L * i * productStride, s, dt, i, d, row + (long) n * bytes, dtype);
        }
    }

    private static void mixState(long c, int n, float decay, long out, DType dtype) {
        int k = 0;
        if (dtype == DType.BF16) {
            for (; k <= n - LANES; k += LANES) {
                putBf16(atBf16(c + 2L * k).mul(decay), out + 2L * k);
            }
        } else {
            for (; k <= n - LANES; k += LANES) {
                put(at(c + 4L * k).mul(decay), out + 4L * k);
            }
        }
        ScalarScanSpans.mixState(c, k, n, decay, out, dtype);
    }

    private static void mixInputs(long products, long s, long dt, int i, float d, long out, DType dtype) {
        FloatVector last = FloatVector.broadcast(FLOATS, getFloat(s + 4L * i));
        for (int j = 0; j <= i; j += LANES) {
            long at = 4L * j;
            FloatVector weight = VectorMath.exp(last.sub(at(s + at))).mul(at(dt + at));
            FloatVector value = at(products + at).mul(weight);
            if (i - j < LANES) {
                VectorMask<Float> before = FLOATS.indexInRange(j, i);
                VectorMask<Float> until = FLOATS.indexInRange(j, i + 1);
                value = value.blend(value.add(d), until.andNot(before)).blend(0f, until.not());
            }
            if (dtype == DType.BF16) {
                putBf16(value, out + 2L * j);
            } else {
                put(value, out + at);
            }
        }
    }

    @Override
    public void weigh(
            long x,
            int steps,
            int heads,
            int p,
            long weights,
            int weightStride,
            long plain,
            int plainStride,
            long weighted,
            DType dtype) {
        int bytes = dtype.bytes();
        for (int step = 0; step < steps; step++) {
            long source = x + 4L * step * heads * p;
            long target = plain + (long) step * plainStride * bytes;
            long product = weighted + (long) step * heads * p * bytes;
            for (int head = 0; head < heads; head++) {
                long at = (long) head * p;
                float weight = getFloat(weights + 4L * ((long) step * weightStride + head));
                weigh(source + 4 * at, p, weight, target + at * bytes, product + at * bytes, dtype);
            }
        }
    }

    private static void weigh(long x, int p, float weight, long plain, long weighted, DType dtype) {
        int k = 0;
        if (dtype == DType.BF16) {
            for (; k <= p - LANES; k += LANES) {
                FloatVector value = at(x + 4L * k);
                putBf16(value, plain + 2L * k);
                putBf16(value.mul(weight), weighted + 2L * k);
            }
        } else {
            for (; k <= p - LANES; k += LANES) {
                FloatVector value = at(x + 4L * k);
                put(value, plain + 4L * k);
                put(value.mul(weight), weighted + 4L * k);
            }
        }
        ScalarScanSpans.weigh(x, k, p, weight, plain, weighted, dtype);
    }

    @Override
    public void decay(long state, int n, int heads, int p, long factors, long out, int outStride, DType dtype) {
        int bytes = dtype.bytes();
        for (int row = 0; row < n; row++) {
            long source = state + 4L * row * heads * p;
            long target = out + (long) row * outStride * bytes;
            for (int head = 0; head < heads; head++) {
                long at = (long) head * p;
                decay(source + 4 * at, p, getFloat(factors + 4L * head), target + at * bytes, dtype);
            }
        }
    }

    private static void decay(long state, int p, float factor, long out, DType dtype) {
        int k = 0;
        if (dtype == DType.BF16) {
            for (; k <= p - LANES; k += LANES) {
                FloatVector value = at(state + 4L * k);
                putBf16(value, out + 2L * k);
                put(value.mul(factor), state + 4L * k);
            }
        } else {
            for (; k <= p - LANES; k += LANES) {
                FloatVector value = at(state + 4L * k);
                put(value, out + 4L * k);
                put(value.mul(factor), state + 4L * k);
            }
        }
        ScalarScanSpans.decay(state, k, p, factor, out, dtype);
    }

    private static FloatVector at(long address) {
        return FloatVector.fromMemorySegment(FLOATS, ALL, address, LITTLE);
    }

    private static void put(FloatVector value, long address) {
        value.intoMemorySegment(ALL, address, LITTLE);
    }

    private static FloatVector atBf16(long address) {
        return ShortVector.fromMemorySegment(SHORTS, ALL, address, LITTLE)
                .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0)
                .reinterpretAsInts()
                .lanewise(VectorOperators.LSHL, 16)
                .reinterpretAsFloats();
    }

    private static void putBf16(FloatVector value, long address) {
        VectorMath.roundToBFloat16(value)
                .convertShape(VectorOperators.I2S, SHORTS, 0)
                .reinterpretAsShorts()
                .intoMemorySegment(ALL, address, LITTLE);
    }
}
