package io.lingen.cpu.internal.loop;

import static io.lingen.cpu.internal.RawMemory.getFloat;
import static io.lingen.cpu.internal.RawMemory.getShort;
import static io.lingen.cpu.internal.RawMemory.setFloat;
import static io.lingen.cpu.internal.RawMemory.setShort;

import io.lingen.core.DType;
import io.lingen.core.internal.BFloat16;
import io.lingen.cpu.internal.RawMemory;

/** The reference implementation of the loops in plain Java. It also computes the tails of the vector loops. */
public final class ScalarFloatKernels implements FloatKernels {
    private static final float EXP_LOWEST = -87.3f;
    private static final float EXP_HIGHEST = 88f;
    private static final float GELU_FACTOR = (float) Math.sqrt(2 / Math.PI);
    private static final float GELU_CUBIC = 0.044715f;

    private static final int TILE_ROWS = 4;
    private static final int TILE_COLUMNS = 4;

    private static final int F = Float.BYTES;

    /** Creates the loops. */
    public ScalarFloatKernels() {}

    @Override
    public String description() {
        return "plain Java";
    }

    @Override
    public void widen(long bf16, long f32, int n) {
        for (int i = 0; i < n; i++) {
            setFloat(f32 + (long) i * F, BFloat16.toFloat(getShort(bf16 + 2L * i)));
        }
    }

    @Override
    public void narrow(long f32, long bf16, int n) {
        for (int i = 0; i < n; i++) {
            setShort(bf16 + 2L * i, BFloat16.fromFloat(getFloat(f32 + (long) i * F)));
        }
    }

    @Override
    public void copy(long x, long out, int n) {
        RawMemory.copy(x, out, (long) n * F);
    }

    @Override
    public void fill(float value, long out, int n) {
        for (int i = 0; i < n; i++) {
            setFloat(out + (long) i * F, value);
        }
    }

    @Override
    public float sum(long x, int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += getFloat(x + (long) i * F);
        }
        return (float) sum;
    }

    @Override
    public float squaredDeviation(long x, float mean, int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            float deviation = getFloat(x + (long) i * F) - mean;
            sum += deviation * deviation;
        }
        return (float) sum;
    }

    @Override
    public void addDeviations(long x, long shift, long sum, long squares, int n) {
        for (int i = 0; i < n; i++) {
            long at = (long) i * F;
            float deviation = getFloat(x + at) - getFloat(shift + at);
            setFloat(sum + at, getFloat(sum + at) + deviation);
            setFloat(squares + at, getFloat(squares + at) + deviation * deviation);
        }
    }

    @Override
    public float dotProduct(long a, long b, int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += getFloat(a + (long) i * F) * getFloat(b + (long) i * F);
        }
        return (float) sum;
    }

    @Override
    public float max(long x, int n) {
        float max = getFloat(x);
        for (int i = 1; i < n; i++) {
            max = Math.max(max, getFloat(x + (long) i * F));
        }
        return max;
    }

    @Override
    public void add(long a, long b, long out, int n) {
        for (int i = 0; i < n; i++) {
            long at = (long) i * F;
            setFloat(out + at, getFloat(a + at) + getFloat(b + at));
        }
    }

    @Override
    public void addThree(long a, long b, long c, long out, int n) {
        for (int i = 0; i < n; i++) {
            long at = (long) i * F;
            setFloat(out + at, getFloat(a + at) + getFloat(b + at) + getFloat(c + at));
        }
    }

    @Override
    public void addScaled(float alpha, long x, long y, int n) {
        for (int i = 0; i < n; i++) {
            long at = (long) i * F;
            setFloat(y + at, getFloat(y + at) + alpha * getFloat(x + at));
        }
    }

    @Override
    public void addProduct(long a, long b, long y, int n) {
        for (int i = 0; i < n; i++) {
            long at = (long) i * F;
            setFloat(y + at, getFloat(y + at) + getFloat(a + at) * getFloat(b + at));
        }
    }

    @Override
    public void interpolate(long a, long b, float s, long out, int n) {
        for (int i = 0; i < n; i++) {
            long at = (long) i * F;
            float from = getFloat(a + at);
            setFloat(out + at, from + s * (getFloat(b + at) - from));
        }
    }

    @Override
    public void scale(float alpha, long x, long out, int n) {
        for (int i = 0; i < n; i++) {
            long at = (long) i * F;
            setFloat(out + at, alpha * getFloat(x + at));
        }
    }

    @Override
    public void multiply(float alpha, long a, long b, long out, int n) {
        for (int i = 0; i < n; i++) {
            long at = (long) i * F;
            setFloat(out + at, alpha * getFloat(a + at) * getFloat(b + at));
        }
    }

    @Override
    public void relu(long x, long out, int n) {
        for (int i = 0; i < n; i++) {
            long at = (long) i * F;
            setFloat(out + at, Math.max(getFloat(x + at), 0));
        }
    }

    @Override
    public void rotate(long x, long angles, long out, int n) {
        for (int i = 0; i < n; i += 2) {
            long at = (long) i * F;
            float a = getFloat(x + at);
            float b = getFloat(x + at + F);
            float cos = getFloat(angles + at);
            float sin = getFloat(angles + at + F);
            setFloat(out + at, a * cos - b * sin);
            setFloat(out + at + F, a * sin + b * cos);
        }
    }

    @Override
    public void normalize(long x, float mean, float factor, long a, long b, long out, int n) {
        for (int i = 0; i < n; i++) {
            long at = (long) i * F;
            setFloat(out + at, (getFloat(x + at) - mean) * factor * getFloat(a + at) + getFloat(b + at));
        }
    }

    @Override
    public void affine(long x, long shift, long a, long b, long out, int n) {
        for (int i = 0; i < n; i++) {
            long at = (long) i * F;
            setFloat(out + at, (getFloat(x + at) - getFloat(shift + at)) * getFloat(a + at) + getFloat(b + at));
        }
    }

    @Override
    public float siluGate(long y, long z, long out, int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            long at = (long) i * F;
            float gated = getFloat(y + at) * silu(getFloat(z + at));
            setFloat(out + at, gated);
            sum += gated * gated;
        }
        return (float) sum;
    }

    @Override
    public void exp(long x, long out, int n) {
        for (int i = 0; i < n; i++) {
            long at = (long) i * F;
            setFloat(out + at, exp(getFloat(x + at)));
        }
    }

    @Override
    public float expSum(long x, float scale, float offset, long out, DType dtype, int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            float value = exp(getFloat(x + (long) i * F) * scale - offset);
            if (dtype == DType.BF16) {
                setShort(out + 2L * i, BFloat16.fromFloat(value));
            } else {
                setFloat(out + (long) i * F, value);
            }
            sum += value;
        }
        return (float) sum;
    }

    @Override
    public void silu(long x, long out, int n) {
        for (int i = 0; i < n; i++) {
            long at = (long) i * F;
            setFloat(out + at, silu(getFloat(x + at)));
        }
    }

    @Override
    public void gelu(long x, long out, int n) {
        for (int i = 0; i < n; i++) {
            long at = (long) i * F;
            setFloat(out + at, gelu(getFloat(x + at)));
        }
    }

    @Override
    public void softplus(long x, long out, int n) {
        for (int i = 0; i < n; i++) {
            long at = (long) i * F;
            setFloat(out + at, softplus(getFloat(x + at)));
        }
    }

    @Override
    public int tileRows() {
        return TILE_ROWS;
    }

    @Override
    public int tileColumns() {
        return TILE_COLUMNS;
    }

    @Override
    public void tile(
            long a, long aRow, long aColumn, int rows, long b, int k, long c, long cStride, boolean accumulate) {
        for (int row = 0; row < rows; row++) {
            long target = c + row * cStride * F;
            long left = a + row * aRow * F;
            float sum0 = accumulate ? getFloat(target) : 0;
            float sum1 = accumulate ? getFloat(target + F) : 0;
            float sum2 = accumulate ? getFloat(target + 2 * F) : 0;
            float sum3 = accumulate ? getFloat(target + 3 * F) : 0;
            for (int i = 0; i < k; i++) {
                float factor = getFloat(left + i * aColumn * F);
                long right = b + (long) i * TILE_COLUMNS * F;
                sum0 += factor * getFloat(right);
                sum1 += factor * getFloat(right + F);
                sum2 += factor * getFloat(right + 2 * F);
                sum3 += factor * getFloat(right + 3 * F);
            }
            setFloat(target, sum0);
            setFloat(target + F, sum1);
            setFloat(target + 2 * F, sum2);
            setFloat(target + 3 * F, sum3);
        }
    }

    @Override
    public void depthwiseConvolution(
            long above, long middle, long below, int cells, int channels, long weight, long bias, long out) {
        convolveDepthwise(above, middle, below, cells, 0, channels, weight, bias, out);
    }

    /** Computes channels {@code from} to {@code channels} of {@link #depthwiseConvolution}. */
    static void convolveDepthwise(
            long above, long middle, long below, int cells, int from, int channels, long weight, long bias, long out) {
        long[] lines = {above, middle, below};
        for (int cell = 0; cell < cells; cell++) {
            for (int channel = from; channel < channels; channel++) {
                float sum = getFloat(bias + (long) channel * F);
                for (int tap = 0; tap < 9; tap++) {
                    sum += getFloat(weight + ((long) tap * channels + channel) * F)
                            * getFloat(lines[tap / 3] + ((long) (cell + tap % 3) * channels + channel) * F);
                }
                setFloat(out + ((long) cell * channels + channel) * F, sum);
            }
        }
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
        convolve(x, xStride, rows, 0, channels, taps, weight, weightStride, bias, out, outStride);
    }

    /** Computes channels {@code from} to {@code to} of {@link #causalConvolution}. */
    static void convolve(
            long x,
            int xStride,
            int rows,
            int from,
            int to,
            int taps,
            long weight,
            int weightStride,
            long bias,
            long out,
            int outStride) {
        for (int row = 0; row < rows; row++) {
            for (int channel = from; channel < to; channel++) {
                float sum = getFloat(bias + (long) channel * F);
                for (int tap = 0; tap < taps; tap++) {
                    sum += getFloat(weight + ((long) tap * weightStride + channel) * F)
                            * getFloat(x + ((long) (row + tap) * xStride + channel) * F);
                }
                setFloat(out + ((long) row * outStride + channel) * F, sum);
            }
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
        scanColumns(x, b, c, stride, dt, decay, dtStride, d, state, 0, p, p, n, steps, y, yStride);
    }

    /** Computes elements {@code from} to {@code to} of the head in {@link #scan}. */
    static void scanColumns(
            long x,
            long b,
            long c,
            int stride,
            long dt,
            long decay,
            int dtStride,
            float d,
            long state,
            int from,
            int to,
            int p,
            int n,
            int steps,
            long y,
            int yStride) {
        for (int step = 0; step < steps; step++) {
            float stepDecay = getFloat(decay + (long) step * dtStride * F);
            float stepDt = getFloat(dt + (long) step * dtStride * F);
            long row = (long) step * stride * F;
            for (int i = from; i < to; i++) {
                float xi = getFloat(x + row + (long) i * F);
                float input = stepDt * xi;
                float sum = 0;
                for (int j = 0; j < n; j++) {
                    long at = state + ((long) j * p + i) * F;
                    float h = stepDecay * getFloat(at) + input * getFloat(b + row + (long) j * F);
                    setFloat(at, h);
                    sum += h * getFloat(c + row + (long) j * F);
                }
                setFloat(y + ((long) step * yStride + i) * F, sum + d * xi);
            }
        }
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
        diagonalScanChannels(x, dt, stride, b, c, bcStride, a, d, state, 0, channels, channels, n, steps, y);
    }

    /** Computes channels {@code from} to {@code to} of {@link #diagonalScan}. */
    static void diagonalScanChannels(
            long x,
            long dt,
            int stride,
            long b,
            long c,
            int bcStride,
            long a,
            long d,
            long state,
            int from,
            int to,
            int channels,
            int n,
            int steps,
            long y) {
        for (int step = 0; step < steps; step++) {
            long bcRow = (long) step * bcStride * F;
            for (int i = from; i < to; i++) {
                long at = ((long) step * stride + i) * F;
                float xi = getFloat(x + at);
                float dti = getFloat(dt + at);
                float sum = getFloat(d + (long) i * F) * xi;
                for (int j = 0; j < n; j++) {
                    long cell = ((long) j * channels + i) * F;
                    float h = exp(dti * getFloat(a + cell)) * getFloat(state + cell)
                            + dti * xi * getFloat(b + bcRow + (long) j * F);
                    setFloat(state + cell, h);
                    sum += h * getFloat(c + bcRow + (long) j * F);
                }
                setFloat(y + at, sum);
            }
        }
    }

    private static float exp(float x) {
        return x < EXP_LOWEST ? 0 : (float) Math.exp(x > EXP_HIGHEST ? EXP_HIGHEST : x);
    }

    private static float silu(float x) {
        return x / (1 + exp(-x));
    }

    private static float gelu(float x) {
        // 0.5 (1 + tanh(u)) = 1 / (1 + exp(-2u))
        return x / (1 + exp(-2 * GELU_FACTOR * (x + GELU_CUBIC * x * x * x)));
    }

    private static float softplus(float x) {
        return Math.max(x, 0) + (float) Math.log1p(Math.exp(-Math.abs(x)));
    }
}
