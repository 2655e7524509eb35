package io.lingen.cpu.internal.loop;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** Functions of a vector register of F32 elements. */
final class VectorMath {
    /** At most 16 lanes: as far as the sums of registers are written out. */
    static final VectorSpecies<Float> FLOATS =
            FloatVector.SPECIES_PREFERRED.length() > 16 ? FloatVector.SPECIES_512 : FloatVector.SPECIES_PREFERRED;

    private static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, FLOATS.vectorShape());

    static final float EXP_LOWEST = -87.3f;
    static final float EXP_HIGHEST = 88f;
    static final float LOG2_E = 1.44269504f;
    /** ln 2 in two parts, the first with zeros at its end so that its multiples are exact (Cody and Waite). */
    static final float LN2_HIGH = 0.693359375f;

    static final float LN2_LOW = -2.12194440e-4f;
    /** 1.5 * 2^23: adding it leaves the nearest integer in the lowest bits. */
    static final float ROUNDER = 12582912f;

    /** The coefficients of r^2 to r^7 in exp(r), |r| &lt;= ln(2) / 2 (Cephes' expf, Moshier). */
    static final float P2 = 5.0000001201e-1f;

    static final float P3 = 1.6666665459e-1f;
    static final float P4 = 4.1665795894e-2f;
    static final float P5 = 8.3334519073e-3f;
    static final float P6 = 1.3981999507e-3f;
    static final float P7 = 1.9875691500e-4f;

    /**
     * These bring the lanes so many places further up down. Adding them one after the other sums a register in one fixed order, as
     * {@code reduceLanes} does not: its order, and so its last bit, changes when a loop gets compiled, and the same request would give
     * another video.
     */
    static final VectorShuffle<Float> DOWN_8 = down(8);

    static final VectorShuffle<Float> DOWN_4 = down(4);
    static final VectorShuffle<Float> DOWN_2 = down(2);
    static final VectorShuffle<Float> DOWN_1 = down(1);

    /** Both lanes of a pair of neighbours take the first one's value, the second one's, or each other's. */
    static final VectorShuffle<Float> FIRST_OF_PAIR = VectorShuffle.fromOp(FLOATS, lane -> lane & ~1);

    static final VectorShuffle<Float> SECOND_OF_PAIR = VectorShuffle.fromOp(FLOATS, lane -> lane | 1);
    static final VectorShuffle<Float> SWAP_PAIR = VectorShuffle.fromOp(FLOATS, lane -> lane ^ 1);

    private VectorMath() {}

    private static VectorShuffle<Float> down(int places) {
        return VectorShuffle.fromOp(FLOATS, lane -> (lane + places) % FLOATS.length());
    }

    /** exp(x) to about 1e-7 relative. 0 below -87.3, exp(88) above 88, NaN stays. */
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

    /** x / (1 + exp(-x)) */
    static FloatVector silu(FloatVector x) {
        return x.div(exp(x.neg()).add(1f));
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
