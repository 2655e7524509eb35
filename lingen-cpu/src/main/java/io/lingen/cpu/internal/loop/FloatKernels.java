package io.lingen.cpu.internal.loop;

import io.lingen.core.DType;

/**
 * The inner loops of all kernels. They operate on runs of F32 elements in off-heap memory, given by the address of the first element. An
 * output may be an input, but must not overlap one partially. Addresses are not checked. Implementations are thread-safe and stateless.
 *
 * <p>{@link ScalarFloatKernels} is the reference. {@link VectorFloatKernels} computes the same in vector registers, with different
 * rounding.
 */
public interface FloatKernels {
    /** {@return a human-readable name of the instructions in use, for example "AVX-512 ..."} */
    String description();

    // Conversion and copying

    /**
     * Converts BF16 elements to F32.
     *
     * @param bf16 the source, [n]
     * @param f32 the target, [n]
     * @param n the number of elements
     */
    void widen(long bf16, long f32, int n);

    /**
     * Rounds F32 elements to the nearest BF16, ties to even.
     *
     * @param f32 the source, [n]
     * @param bf16 the target, [n]
     * @param n the number of elements
     */
    void narrow(long f32, long bf16, int n);

    /**
     * Reads elements of a type as F32.
     *
     * @param source [n] of {@code dtype}
     * @param dtype F32 or BF16
     * @param target [n] in F32
     * @param n the number of elements
     */
    default void load(long source, DType dtype, long target, int n) {
        if (dtype == DType.BF16) {
            widen(source, target, n);
        } else {
            copy(source, target, n);
        }
    }

    /**
     * Writes F32 elements as a type, rounded to the nearest, ties to even.
     *
     * @param source [n] in F32
     * @param target [n] of {@code dtype}
     * @param dtype F32 or BF16
     * @param n the number of elements
     */
    default void store(long source, long target, DType dtype, int n) {
        if (dtype == DType.BF16) {
            narrow(source, target, n);
        } else {
            copy(source, target, n);
        }
    }

    /**
     * Computes out = x.
     *
     * @param x [n]
     * @param out [n]
     * @param n the number of elements
     */
    void copy(long x, long out, int n);

    /**
     * Computes out = value.
     *
     * @param value the value of all elements
     * @param out [n]
     * @param n the number of elements
     */
    void fill(float value, long out, int n);

    // Reductions

    /**
     * {@return the sum of x}
     *
     * @param x [n]
     * @param n the number of elements
     */
    float sum(long x, int n);

    /**
     * {@return the sum of (x - mean)^2}
     *
     * @param x [n]
     * @param mean the subtrahend
     * @param n the number of elements
     */
    float squaredDeviation(long x, float mean, int n);

    /**
     * Computes sum += x - shift and squares += (x - shift)^2 for each element.
     *
     * @param x [n]
     * @param shift [n]
     * @param sum [n], updated in place
     * @param squares [n], updated in place
     * @param n the number of elements
     */
    void addDeviations(long x, long shift, long sum, long squares, int n);

    /**
     * {@return the sum of a * b}
     *
     * @param a [n]
     * @param b [n]
     * @param n the number of elements
     */
    float dotProduct(long a, long b, int n);

    /**
     * {@return the largest element}
     *
     * @param x [n]
     * @param n the number of elements, at least 1
     */
    float max(long x, int n);

    // Elementwise operations

    /**
     * Computes out = a + b.
     *
     * @param a [n]
     * @param b [n]
     * @param out [n]
     * @param n the number of elements
     */
    void add(long a, long b, long out, int n);

    /**
     * Computes out = a + b + c.
     *
     * @param a [n]
     * @param b [n]
     * @param c [n]
     * @param out [n]
     * @param n the number of elements
     */
    void addThree(long a, long b, long c, long out, int n);

    /**
     * Computes y += alpha * x.
     *
     * @param alpha the factor
     * @param x [n]
     * @param y [n], updated in place
     * @param n the number of elements
     */
    void addScaled(float alpha, long x, long y, int n);

    /**
     * Computes y += a * b.
     *
     * @param a [n]
     * @param b [n]
     * @param y [n], updated in place
     * @param n the number of elements
     */
    void addProduct(long a, long b, long y, int n);

    /**
     * Computes out = a + s * (b - a).
     *
     * @param a [n]
     * @param b [n]
     * @param s the position between a and b
     * @param out [n]
     * @param n the number of elements
     */
    void interpolate(long a, long b, float s, long out, int n);

    /**
     * Computes out = alpha * x.
     *
     * @param alpha the factor
     * @param x [n]
     * @param out [n]
     * @param n the number of elements
     */
    void scale(float alpha, long x, long out, int n);

    /**
     * Computes out = alpha * a * b.
     *
     * @param alpha the factor
     * @param a [n]
     * @param b [n]
     * @param out [n]
     * @param n the number of elements
     */
    void multiply(float alpha, long a, long b, long out, int n);

    /**
     * Computes the RMS norm of consecutive rows, out = x / sqrt(mean(x^2) + epsilon) weight.
     *
     * @param x [rows, d]
     * @param weight [d]
     * @param epsilon the number added to the mean square
     * @param out [rows, d]; may be x
     * @param rows the number of rows
     * @param d the length of a row
     */
    default void rmsNorm(long x, long weight, float epsilon, long out, int rows, int d) {
        long step = (long) d * Float.BYTES;
        for (int row = 0; row < rows; row++) {
            long values = x + row * step;
            float factor = (float) (1 / Math.sqrt(dotProduct(values, values, d) / d + epsilon));
            multiply(factor, values, weight, out + row * step, d);
        }
    }

    /**
     * Computes out = max(x, 0).
     *
     * @param x [n]
     * @param out [n]
     * @param n the number of elements
     */
    void relu(long x, long out, int n);

    /**
     * Rotates neighboring pairs (a, b) to (a cos - b sin, a sin + b cos).
     *
     * @param x pairs, [n]
     * @param angles cos, sin, cos, sin, ..., [n]
     * @param out pairs, [n]
     * @param n the number of elements, even
     */
    void rotate(long x, long angles, long out, int n);

    /**
     * Computes out = (x - mean) * factor * a + b.
     *
     * @param x [n]
     * @param mean the mean of x
     * @param factor the reciprocal of the standard deviation
     * @param a [n]
     * @param b [n]
     * @param out [n]
     * @param n the number of elements
     */
    void normalize(long x, float mean, float factor, long a, long b, long out, int n);

    /**
     * Computes out = (x - shift) * a + b.
     *
     * @param x [n]
     * @param shift [n]
     * @param a [n]
     * @param b [n]
     * @param out [n]
     * @param n the number of elements
     */
    void affine(long x, long shift, long a, long b, long out, int n);

    /**
     * Computes out = y * SiLU(z).
     *
     * @param y [n]
     * @param z [n]
     * @param out [n], not y
     * @param n the number of elements
     * @return the sum of out^2
     */
    float siluGate(long y, long z, long out, int n);

    /**
     * Computes out = exp(x) with a relative error of about 1e-7. The result is 0 below -87.3, and exp(88) above 88.
     *
     * @param x [n]
     * @param out [n]
     * @param n the number of elements
     */
    void exp(long x, long out, int n);

    /**
     * Computes the numerators of a softmax, out = exp(x * scale - offset), rounded to a type.
     *
     * @param x [n]; overwritten if the type is BF16
     * @param scale the factor of x
     * @param offset the subtrahend
     * @param out [n] of {@code dtype}; not x if the type is BF16
     * @param dtype F32 or BF16
     * @param n the number of elements
     * @return the sum of the numerators before rounding
     */
    float expSum(long x, float scale, float offset, long out, DType dtype, int n);

    /**
     * Computes out = x / (1 + exp(-x)).
     *
     * @param x [n]
     * @param out [n]
     * @param n the number of elements
     */
    void silu(long x, long out, int n);

    /**
     * Computes out = 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
     *
     * @param x [n]
     * @param out [n]
     * @param n the number of elements
     */
    void gelu(long x, long out, int n);

    /**
     * Computes out = ln(1 + exp(x)).
     *
     * @param x [n]
     * @param out [n], not x
     * @param n the number of elements
     */
    void softplus(long x, long out, int n);

    // Matrix products

    /** {@return the largest number of rows of C that {@link #tile} computes} */
    int tileRows();

    /** {@return the number of columns of C that {@link #tile} computes} */
    int tileColumns();

    /**
     * Computes C = A B or C += A B for one tile of C.
     *
     * @param a [rows, k]; element (i, j) is at {@code i * aRow + j * aColumn} elements after the address
     * @param aRow the distance of the rows of A in elements
     * @param aColumn the distance of the columns of A in elements
     * @param rows the number of rows, 1 to {@link #tileRows}
     * @param b [k, tileColumns], dense
     * @param k the number of columns of A and rows of B
     * @param c [rows, tileColumns]
     * @param cStride the distance of the rows of C in elements
     * @param accumulate whether the product is added to C or overwrites it
     */
    void tile(long a, long aRow, long aColumn, int rows, long b, int k, long c, long cStride, boolean accumulate);

    // Convolutions

    /**
     * Computes one line of a depthwise convolution over 3 x 3 cells.
     *
     * @param above the line before the output, [cells + 2, channels]
     * @param middle the line of the output, [cells + 2, channels]
     * @param below the line after the output, [cells + 2, channels]
     * @param cells the number of outputs; output i is computed from cells i to i + 2 of the lines
     * @param channels the number of channels
     * @param weight [3, 3, channels]: lines, then cells of a line
     * @param bias [channels]
     * @param out [cells, channels]
     */
    void depthwiseConvolution(
            long above, long middle, long below, int cells, int channels, long weight, long bias, long out);

    // Scans

    /**
     * Computes a causal depthwise convolution over consecutive rows.
     *
     * @param x [taps - 1 + rows, channels]; the first taps - 1 rows precede the first output
     * @param xStride the distance of the rows of x in elements
     * @param rows the number of outputs
     * @param channels the number of channels
     * @param taps the number of taps
     * @param weight [taps, channels]; the last tap applies to the current row
     * @param weightStride the distance of the rows of weight in elements
     * @param bias [channels]
     * @param out [rows, channels]
     * @param outStride the distance of the rows of out in elements
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
     * Computes steps of the selective scan of one head: h = decay h + (dt x) B^T, y = h C + d x.
     *
     * @param x [steps, p]
     * @param b [steps, n]
     * @param c [steps, n]
     * @param stride the distance of the rows of x, b and c in elements
     * @param dt [steps]
     * @param decay [steps], exp(dt A)
     * @param dtStride the distance of the elements of dt and decay in elements
     * @param d the weight of the skip connection
     * @param state h, [n, p], updated in place
     * @param p the width of the head
     * @param n the size of the state
     * @param steps the number of steps
     * @param y [steps, p]
     * @param yStride the distance of the rows of y in elements
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
     * Computes steps of the diagonal scan: h = exp(dt A) h + dt x B, y = h C + d x for each channel.
     *
     * @param x [steps, channels]
     * @param dt [steps, channels]
     * @param stride the distance of the rows of x, dt and y in elements
     * @param b [steps, n]
     * @param c [steps, n]
     * @param bcStride the distance of the rows of b and c in elements
     * @param a A, [n, channels], negative
     * @param d the weights of the skip connection, [channels]
     * @param state h, [n, channels], updated in place
     * @param channels the number of channels
     * @param n the size of the state
     * @param steps the number of steps
     * @param buffer scratch memory, [channels]
     * @param y [steps, channels]
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
