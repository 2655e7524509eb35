package io.lingen.cpu.internal.span;

import static io.lingen.cpu.internal.Memory.ALL;
import static io.lingen.cpu.internal.Memory.getFloat;
import static io.lingen.cpu.internal.Memory.setFloat;
import static io.lingen.cpu.internal.span.VectorMath.FLOATS;

import io.lingen.core.DType;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** The loops in the Vector API: whole registers, then {@link ScalarSpans} for what is left over. */
public final class VectorSpans implements Spans {
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final int LANES = FLOATS.length();
    private static final int STEP = FLOATS.vectorByteSize();
    /** As many 16-bit lanes as there are F32 lanes. */
    private static final VectorSpecies<Short> SHORTS =
            VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));

    private static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, FLOATS.vectorShape());

    /** Tokens that pass over a state while it is in registers. */
    private static final int SCAN_STEPS = 4;

    private static final int F = Float.BYTES;
    private static final ScalarSpans TAIL = new ScalarSpans();

    @Override
    public String description() {
        return "Vector API, " + FLOATS.vectorBitSize() + " bits";
    }

    private static FloatVector at(long address) {
        return FloatVector.fromMemorySegment(FLOATS, ALL, address, LITTLE);
    }

    private static void put(FloatVector value, long address) {
        value.intoMemorySegment(ALL, address, LITTLE);
    }

    private static void putNarrow(FloatVector value, long address) {
        VectorMath.roundToBFloat16(value)
                .convertShape(VectorOperators.I2S, SHORTS, 0)
                .reinterpretAsShorts()
                .intoMemorySegment(ALL, address, LITTLE);
    }

    private static FloatVector all(float value) {
        return FloatVector.broadcast(FLOATS, value);
    }

    private static float total(FloatVector a, FloatVector b, FloatVector c, FloatVector d) {
        return a.add(b).add(c.add(d)).reduceLanes(VectorOperators.ADD);
    }

    @Override
    public void widen(long bf16, long f32, int n) {
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            ShortVector bits = ShortVector.fromMemorySegment(SHORTS, ALL, bf16 + 2L * i, LITTLE);
            put(
                    bits.convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0)
                            .reinterpretAsInts()
                            .lanewise(VectorOperators.LSHL, 16)
                            .reinterpretAsFloats(),
                    f32 + (long) i * F);
        }
        TAIL.widen(bf16 + 2L * i, f32 + (long) i * F, n - i);
    }

    @Override
    public void narrow(long f32, long bf16, int n) {
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            putNarrow(at(f32 + (long) i * F), bf16 + 2L * i);
        }
        TAIL.narrow(f32 + (long) i * F, bf16 + 2L * i, n - i);
    }

    @Override
    public void copy(long x, long out, int n) {
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            put(at(x + (long) i * F), out + (long) i * F);
        }
        for (; i < n; i++) {
            setFloat(out + (long) i * F, getFloat(x + (long) i * F));
        }
    }

    @Override
    public void fill(float value, long out, int n) {
        FloatVector values = all(value);
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            put(values, out + (long) i * F);
        }
        TAIL.fill(value, out + (long) i * F, n - i);
    }

    @Override
    public float sum(long x, int n) {
        FloatVector sum0 = all(0);
        FloatVector sum1 = all(0);
        FloatVector sum2 = all(0);
        FloatVector sum3 = all(0);
        int i = 0;
        for (; i <= n - 4 * LANES; i += 4 * LANES) {
            long at = x + (long) i * F;
            sum0 = sum0.add(at(at));
            sum1 = sum1.add(at(at + STEP));
            sum2 = sum2.add(at(at + 2 * STEP));
            sum3 = sum3.add(at(at + 3 * STEP));
        }
        for (; i <= n - LANES; i += LANES) {
            sum0 = sum0.add(at(x + (long) i * F));
        }
        return total(sum0, sum1, sum2, sum3) + TAIL.sum(x + (long) i * F, n - i);
    }

    @Override
    public float squaredDeviation(long x, float mean, int n) {
        FloatVector means = all(mean);
        FloatVector sum0 = all(0);
        FloatVector sum1 = all(0);
        FloatVector sum2 = all(0);
        FloatVector sum3 = all(0);
        int i = 0;
        for (; i <= n - 4 * LANES; i += 4 * LANES) {
            long at = x + (long) i * F;
            FloatVector d0 = at(at).sub(means);
            FloatVector d1 = at(at + STEP).sub(means);
            FloatVector d2 = at(at + 2 * STEP).sub(means);
            FloatVector d3 = at(at + 3 * STEP).sub(means);
            sum0 = d0.fma(d0, sum0);
            sum1 = d1.fma(d1, sum1);
            sum2 = d2.fma(d2, sum2);
            sum3 = d3.fma(d3, sum3);
        }
        for (; i <= n - LANES; i += LANES) {
            FloatVector d = at(x + (long) i * F).sub(means);
            sum0 = d.fma(d, sum0);
        }
        return total(sum0, sum1, sum2, sum3) + TAIL.squaredDeviation(x + (long) i * F, mean, n - i);
    }

    @Override
    public void addDeviations(long x, long shift, long sum, long squares, int n) {
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            FloatVector deviation = at(x + at).sub(at(shift + at));
            put(at(sum + at).add(deviation), sum + at);
            put(deviation.fma(deviation, at(squares + at)), squares + at);
        }
        long at = (long) i * F;
        TAIL.addDeviations(x + at, shift + at, sum + at, squares + at, n - i);
    }

    @Override
    public float dotProduct(long a, long b, int n) {
        FloatVector sum0 = all(0);
        FloatVector sum1 = all(0);
        FloatVector sum2 = all(0);
        FloatVector sum3 = all(0);
        int i = 0;
        for (; i <= n - 4 * LANES; i += 4 * LANES) {
            long at = (long) i * F;
            sum0 = at(a + at).fma(at(b + at), sum0);
            sum1 = at(a + at + STEP).fma(at(b + at + STEP), sum1);
            sum2 = at(a + at + 2 * STEP).fma(at(b + at + 2 * STEP), sum2);
            sum3 = at(a + at + 3 * STEP).fma(at(b + at + 3 * STEP), sum3);
        }
        for (; i <= n - LANES; i += LANES) {
            sum0 = at(a + (long) i * F).fma(at(b + (long) i * F), sum0);
        }
        return total(sum0, sum1, sum2, sum3) + TAIL.dotProduct(a + (long) i * F, b + (long) i * F, n - i);
    }

    @Override
    public float max(long x, int n) {
        int bound = FLOATS.loopBound(n);
        if (bound == 0) {
            return TAIL.max(x, n);
        }
        FloatVector max = at(x);
        int i = LANES;
        for (; i < bound; i += LANES) {
            FloatVector next = at(x + (long) i * F);
            // Not lanewise MAX: its rules for NaN and -0 cost five instructions.
            max = max.blend(next, next.compare(VectorOperators.GT, max));
        }
        float largest = max.reduceLanes(VectorOperators.MAX);
        return i < n ? Math.max(largest, TAIL.max(x + (long) i * F, n - i)) : largest;
    }

    @Override
    public void add(long a, long b, long out, int n) {
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            put(at(a + at).add(at(b + at)), out + at);
        }
        long at = (long) i * F;
        TAIL.add(a + at, b + at, out + at, n - i);
    }

    @Override
    public void addThree(long a, long b, long c, long out, int n) {
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            put(at(a + at).add(at(b + at)).add(at(c + at)), out + at);
        }
        long at = (long) i * F;
        TAIL.addThree(a + at, b + at, c + at, out + at, n - i);
    }

    @Override
    public void addScaled(float alpha, long x, long y, int n) {
        FloatVector alphas = all(alpha);
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            put(at(x + at).fma(alphas, at(y + at)), y + at);
        }
        long at = (long) i * F;
        TAIL.addScaled(alpha, x + at, y + at, n - i);
    }

    @Override
    public void addProduct(long a, long b, long y, int n) {
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            put(at(a + at).fma(at(b + at), at(y + at)), y + at);
        }
        long at = (long) i * F;
        TAIL.addProduct(a + at, b + at, y + at, n - i);
    }

    @Override
    public void interpolate(long a, long b, float s, long out, int n) {
        FloatVector factors = all(s);
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            FloatVector from = at(a + at);
            put(at(b + at).sub(from).fma(factors, from), out + at);
        }
        long at = (long) i * F;
        TAIL.interpolate(a + at, b + at, s, out + at, n - i);
    }

    @Override
    public void scale(float alpha, long x, long out, int n) {
        FloatVector alphas = all(alpha);
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            put(at(x + at).mul(alphas), out + at);
        }
        long at = (long) i * F;
        TAIL.scale(alpha, x + at, out + at, n - i);
    }

    @Override
    public void multiply(float alpha, long a, long b, long out, int n) {
        FloatVector alphas = all(alpha);
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            put(at(a + at).mul(alphas).mul(at(b + at)), out + at);
        }
        long at = (long) i * F;
        TAIL.multiply(alpha, a + at, b + at, out + at, n - i);
    }

    @Override
    public void normalize(long x, float mean, float factor, long a, long b, long out, int n) {
        FloatVector means = all(mean);
        FloatVector factors = all(factor);
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            put(at(x + at).sub(means).mul(factors).fma(at(a + at), at(b + at)), out + at);
        }
        long at = (long) i * F;
        TAIL.normalize(x + at, mean, factor, a + at, b + at, out + at, n - i);
    }

    @Override
    public void affine(long x, long shift, long a, long b, long out, int n) {
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            put(at(x + at).sub(at(shift + at)).fma(at(a + at), at(b + at)), out + at);
        }
        long at = (long) i * F;
        TAIL.affine(x + at, shift + at, a + at, b + at, out + at, n - i);
    }

    @Override
    public float gate(long y, long z, long out, int n) {
        FloatVector sum = all(0);
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            FloatVector gated = at(y + at).mul(VectorMath.silu(at(z + at)));
            put(gated, out + at);
            sum = gated.fma(gated, sum);
        }
        long at = (long) i * F;
        return sum.reduceLanes(VectorOperators.ADD) + TAIL.gate(y + at, z + at, out + at, n - i);
    }

    @Override
    public void exp(long x, long out, int n) {
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            put(VectorMath.exp(at(x + at)), out + at);
        }
        long at = (long) i * F;
        TAIL.exp(x + at, out + at, n - i);
    }

    @Override
    public float expSum(long x, float scale, float offset, long out, DType dtype, int n) {
        FloatVector scales = all(scale);
        FloatVector offsets = all(-offset);
        FloatVector sum = all(0);
        int i = 0;
        int bound = FLOATS.loopBound(n);
        if (dtype == DType.BF16) {
            for (; i < bound; i += LANES) {
                FloatVector value = VectorMath.exp(at(x + (long) i * F).fma(scales, offsets));
                putNarrow(value, out + 2L * i);
                sum = sum.add(value);
            }
        } else {
            for (; i < bound; i += LANES) {
                FloatVector value = VectorMath.exp(at(x + (long) i * F).fma(scales, offsets));
                put(value, out + (long) i * F);
                sum = sum.add(value);
            }
        }
        long rest = out + (long) i * dtype.bytes();
        return sum.reduceLanes(VectorOperators.ADD) + TAIL.expSum(x + (long) i * F, scale, offset, rest, dtype, n - i);
    }

    @Override
    public void silu(long x, long out, int n) {
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            put(VectorMath.silu(at(x + at)), out + at);
        }
        long at = (long) i * F;
        TAIL.silu(x + at, out + at, n - i);
    }

    @Override
    public void gelu(long x, long out, int n) {
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            put(VectorMath.gelu(at(x + at)), out + at);
        }
        long at = (long) i * F;
        TAIL.gelu(x + at, out + at, n - i);
    }

    @Override
    public void softplus(long x, long out, int n) {
        int i = 0;
        for (int bound = FLOATS.loopBound(n); i < bound; i += LANES) {
            long at = (long) i * F;
            put(VectorMath.softplus(at(x + at)), out + at);
        }
        long at = (long) i * F;
        TAIL.softplus(x + at, out + at, n - i);
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
        VectorTile.compute(a, aRow * F, aColumn * F, rows, b, k, c, cStride * F, accumulate);
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
        ScalarSpans.convolve(x, xStride, rows, channel, channels, taps, weight, weightStride, bias, out, outStride);
    }

    /** One register of channels; the past rows stay in registers. */
    private static void convolveFourTaps(
            long x, int xStride, int rows, long weight, int weightStride, long bias, long out, int outStride) {
        long xStep = (long) xStride * F;
        long outStep = (long) outStride * F;
        long weightStep = (long) weightStride * F;
        FloatVector w0 = at(weight);
        FloatVector w1 = at(weight + weightStep);
        FloatVector w2 = at(weight + 2 * weightStep);
        FloatVector w3 = at(weight + 3 * weightStep);
        FloatVector b = at(bias);
        FloatVector x0 = at(x);
        FloatVector x1 = at(x + xStep);
        FloatVector x2 = at(x + 2 * xStep);
        long source = x + 3 * xStep;
        long target = out;
        for (int row = 0; row < rows; row++) {
            FloatVector x3 = at(source);
            FloatVector sum = x0.fma(w0, b).add(x1.mul(w1)).add(x2.fma(w2, x3.mul(w3)));
            put(VectorMath.silu(sum), target);
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
        FloatVector b = at(bias);
        for (int row = 0; row < rows; row++) {
            FloatVector sum = b;
            for (int tap = 0; tap < taps; tap++) {
                sum = at(x + (long) (row + tap) * xStride * F).fma(at(weight + (long) tap * weightStride * F), sum);
            }
            put(VectorMath.silu(sum), out + (long) row * outStride * F);
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
        for (; column <= p - 2 * LANES; column += 2 * LANES) {
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
        }
        // What is left over: the last steps of those columns, then the other columns.
        int wide = column;
        for (column = 0; column <= p - LANES; column += LANES) {
            long at = (long) column * F;
            for (int step = column < wide ? whole : 0; step < steps; step++) {
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
        ScalarSpans.scanColumns(x, b, c, stride, dt, decay, dtStride, d, state, column, p, p, n, steps, y, yStride);
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
            long y) {
        int channel = 0;
        for (int bound = FLOATS.loopBound(channels); channel < bound; channel += LANES) {
            long at = (long) channel * F;
            FloatVector skip = at(d + at);
            for (int step = 0; step < steps; step++) {
                long row = (long) step * stride * F + at;
                long bcRow = (long) step * bcStride * F;
                FloatVector times = at(dt + row);
                FloatVector input = at(x + row);
                FloatVector sum = input.mul(skip);
                input = input.mul(times);
                for (int j = 0; j < n; j++) {
                    long cell = (long) j * channels * F + at;
                    FloatVector decay = VectorMath.exp(times.mul(at(a + cell)));
                    FloatVector h = decay.mul(at(state + cell)).add(input.mul(getFloat(b + bcRow + (long) j * F)));
                    put(h, state + cell);
                    sum = h.fma(all(getFloat(c + bcRow + (long) j * F)), sum);
                }
                put(sum, y + row);
            }
        }
        ScalarSpans.diagonalScanChannels(
                x, dt, stride, b, c, bcStride, a, d, state, channel, channels, channels, n, steps, y);
    }
}
