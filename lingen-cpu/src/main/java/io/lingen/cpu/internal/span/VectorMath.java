package io.lingen.cpu.internal.span;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Functions of a vector register of F32 elements. */
final class VectorMath {
    static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, FLOATS.vectorShape());

    private static final float EXP_LOWEST = -87.3f;
    private static final float EXP_HIGHEST = 88f;
    private static final float LOG2_E = 1.44269504f;
    /** ln 2 in two parts, the first with zeros at its end so that its multiples are exact (Cody and Waite). */
    private static final float LN2_HIGH = 0.693359375f;

    private static final float LN2_LOW = -2.12194440e-4f;
    /** 1.5 * 2^23: adding it leaves the nearest integer in the lowest bits. */
    private static final float ROUNDER = 12582912f;

    private static final float GELU_FACTOR = (float) (-2 * Math.sqrt(2 / Math.PI));
    private static final float GELU_CUBIC = 0.044715f;

    private VectorMath() {}

    /** exp(x) to about 1e-7 relative; polynomial of Cephes' expf (Moshier). 0 below -87.3, exp(88) above 88, NaN stays. */
    static FloatVector exp(FloatVector x) {
        FloatVector clamped = x.blend(EXP_HIGHEST, x.compare(VectorOperators.GT, EXP_HIGHEST));
        FloatVector rounded =
                clamped.fma(FloatVector.broadcast(FLOATS, LOG2_E), FloatVector.broadcast(FLOATS, ROUNDER));
        FloatVector power = rounded.sub(ROUNDER);
        FloatVector r = power.fma(FloatVector.broadcast(FLOATS, -LN2_HIGH), clamped);
        r = power.fma(FloatVector.broadcast(FLOATS, -LN2_LOW), r);
        FloatVector p = FloatVector.broadcast(FLOATS, 1.9875691500e-4f);
        p = p.fma(r, FloatVector.broadcast(FLOATS, 1.3981999507e-3f));
        p = p.fma(r, FloatVector.broadcast(FLOATS, 8.3334519073e-3f));
        p = p.fma(r, FloatVector.broadcast(FLOATS, 4.1665795894e-2f));
        p = p.fma(r, FloatVector.broadcast(FLOATS, 1.6666665459e-1f));
        p = p.fma(r, FloatVector.broadcast(FLOATS, 5.0000001201e-1f));
        p = p.fma(r.mul(r), r.add(1f));
        IntVector exponent = rounded.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
        FloatVector result = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
        return result.blend(0f, x.compare(VectorOperators.LT, EXP_LOWEST));
    }

    /** x / (1 + exp(-x)) */
    static FloatVector silu(FloatVector x) {
        return x.div(exp(x.neg()).add(1f));
    }

    /** 0.5 x (1 + tanh(u)) = x / (1 + exp(-2u)), u = sqrt(2 / pi) (x + 0.044715 x^3). */
    static FloatVector gelu(FloatVector x) {
        FloatVector cubic = x.mul(x).mul(x).fma(FloatVector.broadcast(FLOATS, GELU_CUBIC), x);
        return x.div(exp(cubic.mul(GELU_FACTOR)).add(1f));
    }

    /** max(x, 0) + ln(1 + e), e = exp(-|x|), the logarithm as 2 artanh(e / (2 + e)): accurate for small e too. */
    static FloatVector softplus(FloatVector x) {
        FloatVector e = exp(x.abs().neg());
        FloatVector s = e.div(e.add(2f));
        FloatVector square = s.mul(s);
        FloatVector p = FloatVector.broadcast(FLOATS, 2f / 17);
        for (int odd = 15; odd >= 1; odd -= 2) {
            p = p.fma(square, FloatVector.broadcast(FLOATS, 2f / odd));
        }
        VectorMask<Float> negative = x.compare(VectorOperators.LT, 0f);
        return p.fma(s, x.blend(0f, negative));
    }

    /** The elements rounded to BF16, ties to even, in the lower halves of the lanes. */
    static IntVector roundToBFloat16(FloatVector x) {
        IntVector bits = x.reinterpretAsInts();
        IntVector upper = bits.lanewise(VectorOperators.LSHR, 16);
        IntVector rounded = upper.and(1).add(bits).add(0x7FFF).lanewise(VectorOperators.LSHR, 16);
        VectorMask<Integer> nan = x.compare(VectorOperators.NE, x).cast(INTS);
        return rounded.blend(upper.or(0x40), nan);
    }
}
