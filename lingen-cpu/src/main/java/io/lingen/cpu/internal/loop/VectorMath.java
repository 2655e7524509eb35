package io.lingen.cpu.internal.loop;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** Elementary functions of a vector register of F32 elements. */
final class VectorMath {
    /** The preferred species with at most 16 lanes, which is the most that {@link #DOWN_8} and the other shuffles can sum. */
    static final VectorSpecies<Float> FLOATS =
            FloatVector.SPECIES_PREFERRED.length() > 16 ? FloatVector.SPECIES_512 : FloatVector.SPECIES_PREFERRED;

    private static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, FLOATS.vectorShape());

    static final float EXP_LOWEST = -87.3f;
    static final float EXP_HIGHEST = 88f;
    static final float LOG2_E = 1.44269504f;
    /** ln 2 in two parts. The first has trailing zeros, so its multiples are exact (Cody and Waite). */
    static final float LN2_HIGH = 0.693359375f;

    static final float LN2_LOW = -2.12194440e-4f;
    /** 1.5 * 2^23. Adding it to a float leaves the nearest integer in the lowest bits. */
    static final float ROUNDER = 12582912f;

    /** The coefficients of r^2 to r^7 in exp(r), |r| &lt;= ln(2) / 2 (Cephes' expf, Moshier). */
    static final float P2 = 5.0000001201e-1f;

    static final float P3 = 1.6666665459e-1f;
    static final float P4 = 4.1665795894e-2f;
    static final float P5 = 8.3334519073e-3f;
    static final float P6 = 1.3981999507e-3f;
    static final float P7 = 1.9875691500e-4f;

    /**
     * Shuffles that move lanes down by 8, 4, 2 and 1. Adding them in turn sums a register in a fixed order. {@code reduceLanes} has no
     * fixed order: the last bit of its result changes when a loop is compiled, so the same request would not give the same video.
     */
    static final VectorShuffle<Float> DOWN_8 = down(8);

    static final VectorShuffle<Float> DOWN_4 = down(4);
    static final VectorShuffle<Float> DOWN_2 = down(2);
    static final VectorShuffle<Float> DOWN_1 = down(1);

    /** Shuffles within pairs of neighboring lanes: the first value in both, the second in both, or exchanged. */
    static final VectorShuffle<Float> FIRST_OF_PAIR = VectorShuffle.fromOp(FLOATS, lane -> lane & ~1);

    static final VectorShuffle<Float> SECOND_OF_PAIR = VectorShuffle.fromOp(FLOATS, lane -> lane | 1);
    static final VectorShuffle<Float> SWAP_PAIR = VectorShuffle.fromOp(FLOATS, lane -> lane ^ 1);

    private VectorMath() {}

    private static VectorShuffle<Float> down(int places) {
        return VectorShuffle.fromOp(FLOATS, lane -> (lane + places) % FLOATS.length());
    }

    /** Computes exp(x) with a relative error of about 1e-7. The result is 0 below -87.3, exp(88) above 88, and NaN for NaN. */
    static FloatVector exp(FloatVector x) {
        FloatVector clamped = x.blend(EXP_HIGHEST, x.compare(VectorOperators.GT, EXP_HIGHEST));
        FloatVector rounded =
                clamped.fma(FloatVector.broadcast(FLOATS, LOG2_E), FloatVector.broadcast(FLOATS, ROUNDER));
        FloatVector power = rounded.sub(ROUNDER);
        FloatVector r = power.fma(FloatVector.broadcast(FLOATS, -LN2_HIGH), clamped);
        r = power.fma(FloatVector.broadcast(FLOATS, -LN2_LOW), r);
        FloatVector p = FloatVector.broadcast(FLOATS, P7);
        p = p.fma(r, FloatVector.broadcast(FLOATS, P6));
        p = p.fma(r, FloatVector.broadcast(FLOATS, P5));
        p = p.fma(r, FloatVector.broadcast(FLOATS, P4));
        p = p.fma(r, FloatVector.broadcast(FLOATS, P3));
        p = p.fma(r, FloatVector.broadcast(FLOATS, P2));
        p = p.fma(r.mul(r), r.add(1f));
        IntVector exponent = rounded.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
        FloatVector result = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
        return result.blend(0f, x.compare(VectorOperators.LT, EXP_LOWEST));
    }

    /** Computes x / (1 + exp(-x)). */
    static FloatVector silu(FloatVector x) {
        return x.div(exp(x.neg()).add(1f));
    }

    /** Rounds elements to BF16, ties to even. The results are in the lower halves of the lanes. */
    static IntVector roundToBFloat16(FloatVector x) {
        IntVector bits = x.reinterpretAsInts();
        IntVector upper = bits.lanewise(VectorOperators.LSHR, 16);
        IntVector rounded = upper.and(1).add(bits).add(0x7FFF).lanewise(VectorOperators.LSHR, 16);
        VectorMask<Integer> nan = x.compare(VectorOperators.NE, x).cast(INTS);
        return rounded.blend(upper.or(0x40), nan);
    }
}
