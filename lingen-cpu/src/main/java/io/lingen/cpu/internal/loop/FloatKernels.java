package io.lingen.cpu.internal.loop;

import io.lingen.core.DType;

/**
 * The inner loops of all kernels: operations on runs of {@code n} F32 elements from an address on. Outputs may be the inputs, but
 * must not overlap them in part. Nothing is checked. Thread-safe, and without state.
 *
 * <p>{@link ScalarFloatKernels} is the definition; {@link VectorFloatKernels} computes the same in vector registers and differs by rounding only.
 */
public interface FloatKernels {
    /** What it computes with, for people: "AVX-512 ...". */
    String description();

    // ---- types

    /** Converts BF16 elements to F32. */
    void widen(long bf16, long f32, int n);

    /** Rounds F32 elements to the nearest BF16, ties to even. */
    void narrow(long f32, long bf16, int n);

    /** Reads elements of a type as F32. */
    default void load(long source, DType dtype, long target, int n) {
        if (dtype == DType.BF16) {
            widen(source, target, n);
        } else {
            copy(source, target, n);
        }
    }

    /** Writes F32 elements as a type. */
    default void store(long source, long target, DType dtype, int n) {
        if (dtype == DType.BF16) {
            narrow(source, target, n);
        } else {
            copy(source, target, n);
        }
    }

    /** out = x */
    void copy(long x, long out, int n);

    /** out = value */
    void fill(float value, long out, int n);

    // ---- reductions

    /** The sum of x. */
    float sum(long x, int n);

    /** The sum of (x - mean)^2. */
    float squaredDeviation(long x, float mean, int n);

    /** sum += x - shift and squares += (x - shift)^2, element by element. */
    void addDeviations(long x, long shift, long sum, long squares, int n);

    /** The sum of a b. */
    float dotProduct(long a, long b, int n);

    /** The largest element; n is at least 1. */
    float max(long x, int n);

    // ---- elementwise

    /** out = a + b */
    void add(long a, long b, long out, int n);

    /** out = a + b + c */
    void addThree(long a, long b, long c, long out, int n);

    /** y += alpha x */
    void addScaled(float alpha, long x, long y, int n);

    /** y += a b */
    void addProduct(long a, long b, long y, int n);

    /** out = a + s (b - a) */
    void interpolate(long a, long b, float s, long out, int n);

    /** out = alpha x */
    void scale(float alpha, long x, long out, int n);

    /** out = alpha a b */
    void multiply(float alpha, long a, long b, long out, int n);

    /** Pairs (a, b) of neighbours become (a cos - b sin, a sin + b cos); n is even. Angles are cos, sin, cos, sin, ... */
    void rotate(long x, long angles, long out, int n);

    /** out = (x - mean) factor a + b */
    void normalize(long x, float mean, float factor, long a, long b, long out, int n);

    /** out = (x - shift) a + b */
    void affine(long x, long shift, long a, long b, long out, int n);

    /** out = y SiLU(z), not in the place of y; returns the sum of out^2. */
    float siluGate(long y, long z, long out, int n);

    /** out = exp(x), accurate to about 1e-7 relative; 0 below -87.3, and exp(88) above 88. */
    void exp(long x, long out, int n);

    /**
     * out = exp(x scale - offset) rounded to a type, the numerators of a softmax. If the type is BF16, out is not in the place of x,
     * and x is overwritten.
     *
     * @return the sum of the numerators, not rounded
     */
    float expSum(long x, float scale, float offset, long out, DType dtype, int n);

    /** out = x / (1 + exp(-x)) */
    void silu(long x, long out, int n);

    /** out = 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) */
    void gelu(long x, long out, int n);

    /** out = ln(1 + exp(x)), not in the place of x. */
    void softplus(long x, long out, int n);

    // ---- products

    /** The rows of C that {@link #tile} computes. */
    int tileRows();

    /** The columns of C that {@link #tile} computes. */
    int tileColumns();

    /**
     * C = A B or C += A B for one tile of at most {@link #tileRows} rows and exactly {@link #tileColumns} columns.
     *
     * @param a [rows, k]; element (i, j) lies {@code i * aRow + j * aColumn} elements after the address
     * @param rows the rows of A that exist, 1 &lt;= rows &lt;= tileRows
     * @param b [k, tileColumns], dense
     * @param cStride the elements from one row of C to the next
     */
    void tile(long a, long aRow, long aColumn, int rows, long b, int k, long c, long cStride, boolean accumulate);

    // ---- scans

    /**
     * A causal depthwise convolution over consecutive rows.
     *
     * @param x [taps - 1 + rows, channels]; the first taps - 1 rows are the past
     * @param weight [taps, channels], the last tap is the current row's
     * @param bias [channels]
     * @param out [rows, channels]
     */
    void causalConvolution(
            long x,
            int xStride,
            int rows,
            int channels,
            int taps,
            long weight,
            int weightStride,
            long bias,
            long out,
            int outStride);

    /**
     * Steps of the selective scan of one head: h = decay h + (dt x) ⊗ B, y = h C + d x.
     *
     * @param x [steps, p], rows {@code stride} elements apart
     * @param b [steps, n], rows {@code stride} elements apart; likewise c
     * @param dt [steps], elements {@code dtStride} apart; likewise decay = exp(dt A)
     * @param state [n, p], updated
     * @param y [steps, p], rows {@code yStride} elements apart
     */
    void scan(
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
            int yStride);

    /**
     * Steps of the diagonal scan: h = exp(dt A) h + dt x B, y = h C + d x per channel.
     *
     * @param x [steps, channels], rows {@code stride} elements apart; likewise dt
     * @param b [steps, n], rows {@code bcStride} elements apart; likewise c
     * @param a [n, channels], negative
     * @param d [channels]
     * @param state [n, channels], updated
     * @param buffer [channels], overwritten
     * @param y [steps, channels], rows {@code stride} elements apart
     */
    void diagonalScan(
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
            long y);
}
