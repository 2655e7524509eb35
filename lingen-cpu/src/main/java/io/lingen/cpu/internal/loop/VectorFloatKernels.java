package io.lingen.cpu.internal.loop;

import static io.lingen.cpu.internal.RawMemory.ALL;
import static io.lingen.cpu.internal.RawMemory.getFloat;
import static io.lingen.cpu.internal.RawMemory.setFloat;
import static io.lingen.cpu.internal.loop.VectorMath.DOWN_1;
import static io.lingen.cpu.internal.loop.VectorMath.DOWN_2;
import static io.lingen.cpu.internal.loop.VectorMath.DOWN_4;
import static io.lingen.cpu.internal.loop.VectorMath.DOWN_8;
import static io.lingen.cpu.internal.loop.VectorMath.FIRST_OF_PAIR;
import static io.lingen.cpu.internal.loop.VectorMath.FLOATS;
import static io.lingen.cpu.internal.loop.VectorMath.SECOND_OF_PAIR;
import static io.lingen.cpu.internal.loop.VectorMath.SWAP_PAIR;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import io.lingen.core.DType;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loops in the Vector API. {@link ScalarFloatKernels} computes the tails that do not fill a register.
 *
 * <p>Loads and stores are inlined by hand, and no method takes or returns a vector. The JIT compiler (C2, JDK 25) always inlines methods of
 * the Vector API, but not other methods once a loop and its surroundings are large. A single call that is not inlined boxes every vector on
 * the heap, which is ten times slower.
 */
public final class VectorFloatKernels implements FloatKernels {
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final int LANES = FLOATS.length();
    private static final int STEP = FLOATS.vectorByteSize();
    /** 16-bit elements with the number of lanes of {@link VectorMath#FLOATS}. */
    private static final VectorSpecies<Short> SHORTS =
            VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));

    private static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, FLOATS.vectorShape());

    /** The number of steps computed while a part of the state is in registers. */
    private static final int SCAN_STEPS = 4;

    /** The number of elements from which a call of the JVM's copy is faster than a loop. */
    private static final int LONG_COPY = 256;

    private static final float GELU_FACTOR = (float) (-2 * Math.sqrt(2 / Math.PI));
    private static final float GELU_CUBIC = 0.044715f;

    /** A mask of the second lane of every pair. */
    private static final VectorMask<Float> ODD = VectorMask.fromLong(FLOATS, 0xAAAA);

    private static final int F = Float.BYTES;
    private static final ScalarFloatKernels TAIL = new ScalarFloatKernels();

    /** Creates the loops. */
    public VectorFloatKernels() {}

    @Override
    public String description() {
        return "Vector API, " + FLOATS.vectorBitSize() + " bits";
    }

    @Override
    public void widen(long bf16, long f32, int n) {
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            ShortVector bits = ShortVector.fromMemorySegment(SHORTS, ALL, bf16 + 2L * i, LITTLE);
            bits.convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0)
                    .reinterpretAsInts()
                    .lanewise(VectorOperators.LSHL, 16)
                    .reinterpretAsFloats()
                    .intoMemorySegment(ALL, f32 + (long) i * F, LITTLE);
        }
        TAIL.widen(bf16 + 2L * i, f32 + (long) i * F, n - i);
    }

    @Override
    public void narrow(long f32, long bf16, int n) {
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            FloatVector x = fromMemorySegment(FLOATS, ALL, f32 + (long) i * F, LITTLE);
            IntVector bits = x.reinterpretAsInts();
            IntVector upper = bits.lanewise(VectorOperators.LSHR, 16);
            IntVector even = upper.and(1).add(bits).add(0x7FFF).lanewise(VectorOperators.LSHR, 16);
            // Without the blend, NaN would round to infinity.
            even.blend(upper.or(0x40), x.compare(VectorOperators.NE, x).cast(INTS))
                    .convertShape(VectorOperators.I2S, SHORTS, 0)
                    .reinterpretAsShorts()
                    .intoMemorySegment(ALL, bf16 + 2L * i, LITTLE);
        }
        TAIL.narrow(f32 + (long) i * F, bf16 + 2L * i, n - i);
    }

    @Override
    public void copy(long x, long out, int n) {
        if (n >= LONG_COPY) {
            TAIL.copy(x, out, n);
            return;
        }
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            fromMemorySegment(FLOATS, ALL, x + at, LITTLE).intoMemorySegment(ALL, out + at, LITTLE);
        }
        for (; i < n; i++) {
            setFloat(out + (long) i * F, getFloat(x + (long) i * F));
        }
    }

    @Override
    public void fill(float value, long out, int n) {
        FloatVector values = broadcast(FLOATS, value);
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            values.intoMemorySegment(ALL, out + (long) i * F, LITTLE);
        }
        TAIL.fill(value, out + (long) i * F, n - i);
    }

    @Override
    public float sum(long x, int n) {
        FloatVector sum0 = broadcast(FLOATS, 0);
        FloatVector sum1 = broadcast(FLOATS, 0);
        FloatVector sum2 = broadcast(FLOATS, 0);
        FloatVector sum3 = broadcast(FLOATS, 0);
        int i = 0;
        for (; i <= n - 4 * LANES; i += 4 * LANES) {
            long at = x + (long) i * F;
            sum0 = sum0.add(fromMemorySegment(FLOATS, ALL, at, LITTLE));
            sum1 = sum1.add(fromMemorySegment(FLOATS, ALL, at + STEP, LITTLE));
            sum2 = sum2.add(fromMemorySegment(FLOATS, ALL, at + 2 * STEP, LITTLE));
            sum3 = sum3.add(fromMemorySegment(FLOATS, ALL, at + 3 * STEP, LITTLE));
        }
        for (; i <= n - LANES; i += LANES) {
            sum0 = sum0.add(fromMemorySegment(FLOATS, ALL, x + (long) i * F, LITTLE));
        }
        FloatVector sum = sum0.add(sum1).add(sum2.add(sum3));
        if (LANES > 8) {
            sum = sum.add(sum.rearrange(DOWN_8));
        }
        if (LANES > 4) {
            sum = sum.add(sum.rearrange(DOWN_4));
        }
        sum = sum.add(sum.rearrange(DOWN_2));
        return sum.add(sum.rearrange(DOWN_1)).lane(0) + TAIL.sum(x + (long) i * F, n - i);
    }

    @Override
    public float squaredDeviation(long x, float mean, int n) {
        FloatVector means = broadcast(FLOATS, mean);
        FloatVector sum0 = broadcast(FLOATS, 0);
        FloatVector sum1 = broadcast(FLOATS, 0);
        FloatVector sum2 = broadcast(FLOATS, 0);
        FloatVector sum3 = broadcast(FLOATS, 0);
        int i = 0;
        for (; i <= n - 4 * LANES; i += 4 * LANES) {
            long at = x + (long) i * F;
            FloatVector d0 = fromMemorySegment(FLOATS, ALL, at, LITTLE).sub(means);
            FloatVector d1 = fromMemorySegment(FLOATS, ALL, at + STEP, LITTLE).sub(means);
            FloatVector d2 =
                    fromMemorySegment(FLOATS, ALL, at + 2 * STEP, LITTLE).sub(means);
            FloatVector d3 =
                    fromMemorySegment(FLOATS, ALL, at + 3 * STEP, LITTLE).sub(means);
            sum0 = d0.fma(d0, sum0);
            sum1 = d1.fma(d1, sum1);
            sum2 = d2.fma(d2, sum2);
            sum3 = d3.fma(d3, sum3);
        }
        for (; i <= n - LANES; i += LANES) {
            FloatVector d =
                    fromMemorySegment(FLOATS, ALL, x + (long) i * F, LITTLE).sub(means);
            sum0 = d.fma(d, sum0);
        }
        FloatVector sum = sum0.add(sum1).add(sum2.add(sum3));
        if (LANES > 8) {
            sum = sum.add(sum.rearrange(DOWN_8));
        }
        if (LANES > 4) {
            sum = sum.add(sum.rearrange(DOWN_4));
        }
        sum = sum.add(sum.rearrange(DOWN_2));
        return sum.add(sum.rearrange(DOWN_1)).lane(0) + TAIL.squaredDeviation(x + (long) i * F, mean, n - i);
    }

    @Override
    public void addDeviations(long x, long shift, long sum, long squares, int n) {
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            FloatVector deviation = fromMemorySegment(FLOATS, ALL, x + at, LITTLE)
                    .sub(fromMemorySegment(FLOATS, ALL, shift + at, LITTLE));
            fromMemorySegment(FLOATS, ALL, sum + at, LITTLE).add(deviation).intoMemorySegment(ALL, sum + at, LITTLE);
            deviation
                    .fma(deviation, fromMemorySegment(FLOATS, ALL, squares + at, LITTLE))
                    .intoMemorySegment(ALL, squares + at, LITTLE);
        }
        long at = (long) i * F;
        TAIL.addDeviations(x + at, shift + at, sum + at, squares + at, n - i);
    }

    @Override
    public float dotProduct(long a, long b, int n) {
        FloatVector sum0 = broadcast(FLOATS, 0);
        FloatVector sum1 = broadcast(FLOATS, 0);
        FloatVector sum2 = broadcast(FLOATS, 0);
        FloatVector sum3 = broadcast(FLOATS, 0);
        int i = 0;
        for (; i <= n - 4 * LANES; i += 4 * LANES) {
            long at = (long) i * F;
            sum0 = fromMemorySegment(FLOATS, ALL, a + at, LITTLE)
                    .fma(fromMemorySegment(FLOATS, ALL, b + at, LITTLE), sum0);
            sum1 = fromMemorySegment(FLOATS, ALL, a + at + STEP, LITTLE)
                    .fma(fromMemorySegment(FLOATS, ALL, b + at + STEP, LITTLE), sum1);
            sum2 = fromMemorySegment(FLOATS, ALL, a + at + 2 * STEP, LITTLE)
                    .fma(fromMemorySegment(FLOATS, ALL, b + at + 2 * STEP, LITTLE), sum2);
            sum3 = fromMemorySegment(FLOATS, ALL, a + at + 3 * STEP, LITTLE)
                    .fma(fromMemorySegment(FLOATS, ALL, b + at + 3 * STEP, LITTLE), sum3);
        }
        for (; i <= n - LANES; i += LANES) {
            sum0 = fromMemorySegment(FLOATS, ALL, a + (long) i * F, LITTLE)
                    .fma(fromMemorySegment(FLOATS, ALL, b + (long) i * F, LITTLE), sum0);
        }
        FloatVector sum = sum0.add(sum1).add(sum2.add(sum3));
        if (LANES > 8) {
            sum = sum.add(sum.rearrange(DOWN_8));
        }
        if (LANES > 4) {
            sum = sum.add(sum.rearrange(DOWN_4));
        }
        sum = sum.add(sum.rearrange(DOWN_2));
        return sum.add(sum.rearrange(DOWN_1)).lane(0) + TAIL.dotProduct(a + (long) i * F, b + (long) i * F, n - i);
    }

    @Override
    public float max(long x, int n) {
        if (n < LANES) {
            return TAIL.max(x, n);
        }
        FloatVector max0 = fromMemorySegment(FLOATS, ALL, x, LITTLE);
        FloatVector max1 = max0;
        FloatVector max2 = max0;
        FloatVector max3 = max0;
        int i = 0;
        // A blend in place of lanewise MAX, whose rules for NaN and -0 cost five instructions.
        for (; i <= n - 4 * LANES; i += 4 * LANES) {
            long at = x + (long) i * F;
            FloatVector next0 = fromMemorySegment(FLOATS, ALL, at, LITTLE);
            FloatVector next1 = fromMemorySegment(FLOATS, ALL, at + STEP, LITTLE);
            FloatVector next2 = fromMemorySegment(FLOATS, ALL, at + 2 * STEP, LITTLE);
            FloatVector next3 = fromMemorySegment(FLOATS, ALL, at + 3 * STEP, LITTLE);
            max0 = max0.blend(next0, next0.compare(VectorOperators.GT, max0));
            max1 = max1.blend(next1, next1.compare(VectorOperators.GT, max1));
            max2 = max2.blend(next2, next2.compare(VectorOperators.GT, max2));
            max3 = max3.blend(next3, next3.compare(VectorOperators.GT, max3));
        }
        for (; i <= n - LANES; i += LANES) {
            FloatVector next = fromMemorySegment(FLOATS, ALL, x + (long) i * F, LITTLE);
            max0 = max0.blend(next, next.compare(VectorOperators.GT, max0));
        }
        float largest = max0.max(max1).max(max2.max(max3)).reduceLanes(VectorOperators.MAX);
        return i < n ? Math.max(largest, TAIL.max(x + (long) i * F, n - i)) : largest;
    }

    @Override
    public void add(long a, long b, long out, int n) {
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            fromMemorySegment(FLOATS, ALL, a + at, LITTLE)
                    .add(fromMemorySegment(FLOATS, ALL, b + at, LITTLE))
                    .intoMemorySegment(ALL, out + at, LITTLE);
        }
        long at = (long) i * F;
        TAIL.add(a + at, b + at, out + at, n - i);
    }

    @Override
    public void addThree(long a, long b, long c, long out, int n) {
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            fromMemorySegment(FLOATS, ALL, a + at, LITTLE)
                    .add(fromMemorySegment(FLOATS, ALL, b + at, LITTLE))
                    .add(fromMemorySegment(FLOATS, ALL, c + at, LITTLE))
                    .intoMemorySegment(ALL, out + at, LITTLE);
        }
        long at = (long) i * F;
        TAIL.addThree(a + at, b + at, c + at, out + at, n - i);
    }

    @Override
    public void addScaled(float alpha, long x, long y, int n) {
        FloatVector alphas = broadcast(FLOATS, alpha);
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            fromMemorySegment(FLOATS, ALL, x + at, LITTLE)
                    .fma(alphas, fromMemorySegment(FLOATS, ALL, y + at, LITTLE))
                    .intoMemorySegment(ALL, y + at, LITTLE);
        }
        long at = (long) i * F;
        TAIL.addScaled(alpha, x + at, y + at, n - i);
    }

    @Override
    public void addProduct(long a, long b, long y, int n) {
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            fromMemorySegment(FLOATS, ALL, a + at, LITTLE)
                    .fma(fromMemorySegment(FLOATS, ALL, b + at, LITTLE), fromMemorySegment(FLOATS, ALL, y + at, LITTLE))
                    .intoMemorySegment(ALL, y + at, LITTLE);
        }
        long at = (long) i * F;
        TAIL.addProduct(a + at, b + at, y + at, n - i);
    }

    @Override
    public void interpolate(long a, long b, float s, long out, int n) {
        FloatVector factors = broadcast(FLOATS, s);
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            FloatVector from = fromMemorySegment(FLOATS, ALL, a + at, LITTLE);
            fromMemorySegment(FLOATS, ALL, b + at, LITTLE)
                    .sub(from)
                    .fma(factors, from)
                    .intoMemorySegment(ALL, out + at, LITTLE);
        }
        long at = (long) i * F;
        TAIL.interpolate(a + at, b + at, s, out + at, n - i);
    }

    @Override
    public void scale(float alpha, long x, long out, int n) {
        FloatVector alphas = broadcast(FLOATS, alpha);
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            fromMemorySegment(FLOATS, ALL, x + at, LITTLE).mul(alphas).intoMemorySegment(ALL, out + at, LITTLE);
        }
        long at = (long) i * F;
        TAIL.scale(alpha, x + at, out + at, n - i);
    }

    @Override
    public void multiply(float alpha, long a, long b, long out, int n) {
        FloatVector alphas = broadcast(FLOATS, alpha);
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            fromMemorySegment(FLOATS, ALL, a + at, LITTLE)
                    .mul(alphas)
                    .mul(fromMemorySegment(FLOATS, ALL, b + at, LITTLE))
                    .intoMemorySegment(ALL, out + at, LITTLE);
        }
        long at = (long) i * F;
        TAIL.multiply(alpha, a + at, b + at, out + at, n - i);
    }

    @Override
    public void rmsNorm(long x, long weight, float epsilon, long out, int rows, int d) {
        if (d % LANES == 0) {
            VectorNorm.rms(x, weight, epsilon, out, rows, d);
        } else {
            FloatKernels.super.rmsNorm(x, weight, epsilon, out, rows, d);
        }
    }

    @Override
    public void relu(long x, long out, int n) {
        FloatVector zeros = broadcast(FLOATS, 0);
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            FloatVector values = fromMemorySegment(FLOATS, ALL, x + (long) i * F, LITTLE);
            // The blend is cheaper than lanewise MAX, and keeps NaN.
            values.blend(zeros, values.compare(VectorOperators.LT, zeros))
                    .intoMemorySegment(ALL, out + (long) i * F, LITTLE);
        }
        TAIL.relu(x + (long) i * F, out + (long) i * F, n - i);
    }

    @Override
    public void rotate(long x, long angles, long out, int n) {
        FloatVector signs = broadcast(FLOATS, -1f).blend(1f, ODD);
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            FloatVector values = fromMemorySegment(FLOATS, ALL, x + at, LITTLE);
            FloatVector pairs = fromMemorySegment(FLOATS, ALL, angles + at, LITTLE);
            FloatVector cos = pairs.rearrange(FIRST_OF_PAIR);
            FloatVector sin = pairs.rearrange(SECOND_OF_PAIR).mul(signs);
            values.rearrange(SWAP_PAIR).fma(sin, values.mul(cos)).intoMemorySegment(ALL, out + at, LITTLE);
        }
        long at = (long) i * F;
        TAIL.rotate(x + at, angles + at, out + at, n - i);
    }

    @Override
    public void normalize(long x, float mean, float factor, long a, long b, long out, int n) {
        FloatVector means = broadcast(FLOATS, mean);
        FloatVector factors = broadcast(FLOATS, factor);
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            fromMemorySegment(FLOATS, ALL, x + at, LITTLE)
                    .sub(means)
                    .mul(factors)
                    .fma(fromMemorySegment(FLOATS, ALL, a + at, LITTLE), fromMemorySegment(FLOATS, ALL, b + at, LITTLE))
                    .intoMemorySegment(ALL, out + at, LITTLE);
        }
        long at = (long) i * F;
        TAIL.normalize(x + at, mean, factor, a + at, b + at, out + at, n - i);
    }

    @Override
    public void affine(long x, long shift, long a, long b, long out, int n) {
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            fromMemorySegment(FLOATS, ALL, x + at, LITTLE)
                    .sub(fromMemorySegment(FLOATS, ALL, shift + at, LITTLE))
                    .fma(fromMemorySegment(FLOATS, ALL, a + at, LITTLE), fromMemorySegment(FLOATS, ALL, b + at, LITTLE))
                    .intoMemorySegment(ALL, out + at, LITTLE);
        }
        long at = (long) i * F;
        TAIL.affine(x + at, shift + at, a + at, b + at, out + at, n - i);
    }

    @Override
    public float siluGate(long y, long z, long out, int n) {
        silu(z, out, n);
        FloatVector sum0 = broadcast(FLOATS, 0);
        FloatVector sum1 = broadcast(FLOATS, 0);
        int i = 0;
        for (; i <= n - 2 * LANES; i += 2 * LANES) {
            long at = (long) i * F;
            FloatVector a = fromMemorySegment(FLOATS, ALL, y + at, LITTLE)
                    .mul(fromMemorySegment(FLOATS, ALL, out + at, LITTLE));
            FloatVector b = fromMemorySegment(FLOATS, ALL, y + at + STEP, LITTLE)
                    .mul(fromMemorySegment(FLOATS, ALL, out + at + STEP, LITTLE));
            a.intoMemorySegment(ALL, out + at, LITTLE);
            b.intoMemorySegment(ALL, out + at + STEP, LITTLE);
            sum0 = a.fma(a, sum0);
            sum1 = b.fma(b, sum1);
        }
        FloatVector sum = sum0.add(sum1);
        if (LANES > 8) {
            sum = sum.add(sum.rearrange(DOWN_8));
        }
        if (LANES > 4) {
            sum = sum.add(sum.rearrange(DOWN_4));
        }
        sum = sum.add(sum.rearrange(DOWN_2));
        float squares = sum.add(sum.rearrange(DOWN_1)).lane(0);
        for (; i < n; i++) {
            long at = (long) i * F;
            float gated = getFloat(y + at) * getFloat(out + at);
            setFloat(out + at, gated);
            squares += gated * gated;
        }
        return squares;
    }

    @Override
    public void exp(long x, long out, int n) {
        int bound = FLOATS.loopBound(n);
        VectorExp.expSum(x, 1, 0, out, bound);
        TAIL.exp(x + (long) bound * F, out + (long) bound * F, n - bound);
    }

    @Override
    public float expSum(long x, float scale, float offset, long out, DType dtype, int n) {
        int bound = FLOATS.loopBound(n);
        long to = dtype == DType.BF16 ? x : out;
        float sum = VectorExp.expSum(x, scale, -offset, to, bound);
        long at = (long) bound * F;
        sum += TAIL.expSum(x + at, scale, offset, to + at, DType.F32, n - bound);
        if (dtype == DType.BF16) {
            narrow(x, out, n);
        }
        return sum;
    }

    @Override
    public void silu(long x, long out, int n) {
        int bound = FLOATS.loopBound(n);
        VectorExp.swish(x, -1, 0, out, bound);
        TAIL.silu(x + (long) bound * F, out + (long) bound * F, n - bound);
    }

    @Override
    public void gelu(long x, long out, int n) {
        int bound = FLOATS.loopBound(n);
        VectorExp.swish(x, GELU_FACTOR, GELU_FACTOR * GELU_CUBIC, out, bound);
        TAIL.gelu(x + (long) bound * F, out + (long) bound * F, n - bound);
    }

    /**
     * {@inheritDoc}
     *
     * <p>Computed as max(x, 0) + ln(1 + e) with e = exp(-|x|), and the logarithm as 2 artanh(e / (2 + e)), which is accurate for small e.
     */
    @Override
    public void softplus(long x, long out, int n) {
        int bound = FLOATS.loopBound(n);
        for (int i = 0; i < bound; i += LANES) {
            long at = (long) i * F;
            fromMemorySegment(FLOATS, ALL, x + at, LITTLE).abs().neg().intoMemorySegment(ALL, out + at, LITTLE);
        }
        exp(out, out, bound);
        for (int i = 0; i < bound; i += LANES) {
            long at = (long) i * F;
            FloatVector e = fromMemorySegment(FLOATS, ALL, out + at, LITTLE);
            FloatVector s = e.div(e.add(2f));
            FloatVector square = s.mul(s);
            FloatVector p = broadcast(FLOATS, 2f / 17)
                    .fma(square, broadcast(FLOATS, 2f / 15))
                    .fma(square, broadcast(FLOATS, 2f / 13))
                    .fma(square, broadcast(FLOATS, 2f / 11))
                    .fma(square, broadcast(FLOATS, 2f / 9))
                    .fma(square, broadcast(FLOATS, 2f / 7))
                    .fma(square, broadcast(FLOATS, 2f / 5))
                    .fma(square, broadcast(FLOATS, 2f / 3))
                    .fma(square, broadcast(FLOATS, 2f));
            FloatVector input = fromMemorySegment(FLOATS, ALL, x + at, LITTLE);
            p.fma(s, input.blend(0f, input.compare(VectorOperators.LT, 0f))).intoMemorySegment(ALL, out + at, LITTLE);
        }
        TAIL.softplus(x + (long) bound * F, out + (long) bound * F, n - bound);
    }

    @Override
    public int tileRows() {
        return VectorTile.ROWS;
    }

    @Override
    public int tileColumns() {
        return 2 * LANES;
    }

    @Override
    public void tile(
            long a, long aRow, long aColumn, int rows, long b, int k, long c, long cStride, boolean accumulate) {
        for (int row = 0; !accumulate && row < rows; row++) {
            fill(0, c + row * cStride * F, 2 * LANES);
        }
        if (rows == VectorTile.ROWS) {
            VectorTile.compute(a, aRow * F, aColumn * F, b, k, c, cStride * F);
        } else {
            for (int row = 0; row < rows; row++) {
                VectorTile.computeRow(a + row * aRow * F, aColumn * F, b, k, c + row * cStride * F);
            }
        }
    }

    @Override
    public void depthwiseConvolution(
            long above, long middle, long below, int cells, int channels, long weight, long bias, long out) {
        int channel = 0;
        for (int bound = FLOATS.loopBound(channels); channel < bound; channel += LANES) {
            long at = (long) channel * F;
            VectorConvolution.depthwise(
                    above + at, middle + at, below + at, cells, (long) channels * F, weight + at, bias + at, out + at);
        }
        ScalarFloatKernels.convolveDepthwise(above, middle, below, cells, channel, channels, weight, bias, out);
    }

    @Override
    public void causalConvolution(
            long x,
            int xStride,
            int rows,
            int channels,
            int taps,
            long weight,
            int weightStride,
            long bias,
            long out,
            int outStride) {
        int channel = 0;
        for (int bound = FLOATS.loopBound(channels); channel < bound; channel += LANES) {
            long at = (long) channel * F;
            if (taps == 4) {
                convolveFourTaps(x + at, xStride, rows, weight + at, weightStride, bias + at, out + at, outStride);
            } else {
                convolve(x + at, xStride, rows, taps, weight + at, weightStride, bias + at, out + at, outStride);
            }
        }
        ScalarFloatKernels.convolve(
                x, xStride, rows, channel, channels, taps, weight, weightStride, bias, out, outStride);
    }

    /** Convolves one register of channels with four taps. The past rows stay in registers. */
    private static void convolveFourTaps(
            long x, int xStride, int rows, long weight, int weightStride, long bias, long out, int outStride) {
        long xStep = (long) xStride * F;
        long outStep = (long) outStride * F;
        long weightStep = (long) weightStride * F;
        FloatVector w0 = fromMemorySegment(FLOATS, ALL, weight, LITTLE);
        FloatVector w1 = fromMemorySegment(FLOATS, ALL, weight + weightStep, LITTLE);
        FloatVector w2 = fromMemorySegment(FLOATS, ALL, weight + 2 * weightStep, LITTLE);
        FloatVector w3 = fromMemorySegment(FLOATS, ALL, weight + 3 * weightStep, LITTLE);
        FloatVector b = fromMemorySegment(FLOATS, ALL, bias, LITTLE);
        FloatVector x0 = fromMemorySegment(FLOATS, ALL, x, LITTLE);
        FloatVector x1 = fromMemorySegment(FLOATS, ALL, x + xStep, LITTLE);
        FloatVector x2 = fromMemorySegment(FLOATS, ALL, x + 2 * xStep, LITTLE);
        long source = x + 3 * xStep;
        long target = out;
        for (int row = 0; row < rows; row++) {
            FloatVector x3 = fromMemorySegment(FLOATS, ALL, source, LITTLE);
            FloatVector sum = x0.fma(w0, b).add(x1.mul(w1)).add(x2.fma(w2, x3.mul(w3)));
            sum.intoMemorySegment(ALL, target, LITTLE);
            x0 = x1;
            x1 = x2;
            x2 = x3;
            source += xStep;
            target += outStep;
        }
    }

    private static void convolve(
            long x,
            int xStride,
            int rows,
            int taps,
            long weight,
            int weightStride,
            long bias,
            long out,
            int outStride) {
        FloatVector b = fromMemorySegment(FLOATS, ALL, bias, LITTLE);
        for (int row = 0; row < rows; row++) {
            FloatVector sum = b;
            for (int tap = 0; tap < taps; tap++) {
                sum = fromMemorySegment(FLOATS, ALL, x + (long) (row + tap) * xStride * F, LITTLE)
                        .fma(fromMemorySegment(FLOATS, ALL, weight + (long) tap * weightStride * F, LITTLE), sum);
            }
            sum.intoMemorySegment(ALL, out + (long) row * outStride * F, LITTLE);
        }
    }

    @Override
    public void scan(
            long x,
            long b,
            long c,
            int stride,
            long dt,
            long decay,
            int dtStride,
            float d,
            long state,
            int p,
            int n,
            int steps,
            long y,
            int yStride) {
        int whole = steps - steps % SCAN_STEPS;
        int column = 0;
        for (; column <= p - LANES; column += LANES) {
            long at = (long) column * F;
            for (int step = 0; step < whole; step += SCAN_STEPS) {
                long row = (long) step * stride * F;
                long times = (long) step * dtStride * F;
                VectorScan.fourSteps(
                        x + row + at,
                        b + row,
                        c + row,
                        (long) stride * F,
                        dt + times,
                        decay + times,
                        (long) dtStride * F,
                        d,
                        state + at,
                        (long) p * F,
                        n,
                        y + (long) step * yStride * F + at,
                        (long) yStride * F);
            }
            for (int step = whole; step < steps; step++) {
                long row = (long) step * stride * F;
                VectorScan.oneStep(
                        x + row + at,
                        b + row,
                        c + row,
                        getFloat(dt + (long) step * dtStride * F),
                        getFloat(decay + (long) step * dtStride * F),
                        d,
                        state + at,
                        (long) p * F,
                        n,
                        y + (long) step * yStride * F + at);
            }
        }
        ScalarFloatKernels.scanColumns(
                x, b, c, stride, dt, decay, dtStride, d, state, column, p, p, n, steps, y, yStride);
    }

    @Override
    public void diagonalScan(
            long x,
            long dt,
            int stride,
            long b,
            long c,
            int bcStride,
            long a,
            long d,
            long state,
            int channels,
            int n,
            int steps,
            long buffer,
            long y) {
        int bound = FLOATS.loopBound(channels);
        for (int step = 0; step < steps; step++) {
            long row = (long) step * stride * F;
            long bcRow = (long) step * bcStride * F;
            multiply(1, x + row, d, y + row, bound);
            for (int j = 0; j < n; j++) {
                long cell = (long) j * channels * F;
                multiply(1, dt + row, a + cell, buffer, bound);
                exp(buffer, buffer, bound);
                float weight = getFloat(b + bcRow + (long) j * F);
                float read = getFloat(c + bcRow + (long) j * F);
                diagonalStep(x + row, dt + row, buffer, weight, read, state + cell, y + row, bound);
            }
        }
        ScalarFloatKernels.diagonalScanChannels(
                x, dt, stride, b, c, bcStride, a, d, state, bound, channels, channels, n, steps, y);
    }

    /** Computes h = decay h + weight dt x and y += read h. */
    private static void diagonalStep(long x, long dt, long decay, float weight, float read, long state, long y, int n) {
        for (int i = 0; i < n; i += LANES) {
            long at = (long) i * F;
            FloatVector input =
                    fromMemorySegment(FLOATS, ALL, x + at, LITTLE).mul(fromMemorySegment(FLOATS, ALL, dt + at, LITTLE));
            FloatVector h = fromMemorySegment(FLOATS, ALL, decay + at, LITTLE)
                    .fma(fromMemorySegment(FLOATS, ALL, state + at, LITTLE), input.mul(weight));
            h.intoMemorySegment(ALL, state + at, LITTLE);
            h.fma(broadcast(FLOATS, read), fromMemorySegment(FLOATS, ALL, y + at, LITTLE))
                    .intoMemorySegment(ALL, y + at, LITTLE);
        }
    }
}
