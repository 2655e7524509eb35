package io.lingen.diffusion.internal.sampler;

import java.util.function.IntToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * The noise levels sigma of the steps along a flow, and the times that the denoiser is given at them. Immutable.
 *
 * <p>The levels of n steps decrease from about 1, noise, to exactly 0, data. They are equally spaced numbers u, shifted towards the noise:
 * sigma = s u / (1 + (s - 1) u) (Esser et al., 2024, section 5.3.2). Published models depend on how their own sampler spaces u and rounds, so
 * each sampler has its factory. Levels are rounded to F32.
 */
public final class FlowSigmas {
    /** The number of training times N: a denoiser's time is N sigma. */
    public static final int TRAINING_TIMES = 1000;

    /** Keeps the first level of UniPC off 1, where log((1 - sigma) / sigma) is infinite. */
    private static final double MARGIN = 1e-6;

    private final double[] sigmas; // n + 1, the last one 0
    private final double[] times; // n

    private FlowSigmas(double[] levels, double[] times) {
        this.sigmas = DoubleStream.concat(DoubleStream.of(levels), DoubleStream.of(0))
                .map(sigma -> (float) sigma)
                .toArray();
        this.times = times;
        for (int i = 0; i < times.length; i++) {
            if (!(sigmas[i] > sigmas[i + 1])) {
                throw new IllegalArgumentException("noise levels must decrease with every step, found " + sigmas[i]
                        + " and " + sigmas[i + 1] + "; use fewer steps or a shift closer to 1");
            }
        }
    }

    /**
     * {@return the levels of {@link UniPcSampler}} u is spaced from 1 to 1/N, without its last value. Times are cut to integers.
     *
     * @param steps n, at least 1
     * @param shift s, positive
     * @throws IllegalArgumentException if steps or shift are out of range, or too large for distinct levels
     */
    public static FlowSigmas uniPc(int steps, double shift) {
        double[] levels = shifted(steps, shift, i -> 1 + i * (1.0 / TRAINING_TIMES - 1) / steps);
        if (Math.abs(levels[0] - 1) < MARGIN) {
            levels[0] -= MARGIN;
        }
        return withCutTimes(levels);
    }

    /**
     * {@return the levels of {@link DpmSolverSampler}} u is spaced from 1 - 1/N to 0, without its last value. Times are cut to integers.
     *
     * @param steps n, at least 1
     * @param shift s, positive
     * @throws IllegalArgumentException if steps or shift are out of range, or too large for distinct levels
     */
    public static FlowSigmas dpmSolver(int steps, double shift) {
        return withCutTimes(shifted(steps, shift, i -> (1 - 1.0 / TRAINING_TIMES) * (steps - i) / steps));
    }

    /**
     * {@return the levels of {@link FlowEulerSampler}} u is spaced from 1 to the shifted 1/N, both included, so its smaller values are shifted
     * twice. Times are not cut.
     *
     * @param steps n, at least 1
     * @param shift s, positive
     * @throws IllegalArgumentException if steps or shift are out of range, or too large for distinct levels
     */
    public static FlowSigmas flowEuler(int steps, double shift) {
        requireShift(shift);
        double last = shift(1.0 / TRAINING_TIMES, shift);
        return withExactTimes(shifted(steps, shift, i -> i == 0 ? 1 : 1 + i * (last - 1) / (steps - 1)));
    }

    /**
     * {@return the levels of a few-step distilled model that names a shift} u is spaced from 1 to 0, without its last value. Times are not
     * cut.
     *
     * @param steps n, at least 1
     * @param shift s, positive
     * @throws IllegalArgumentException if steps or shift are out of range, or too large for distinct levels
     */
    public static FlowSigmas distilled(int steps, double shift) {
        return withExactTimes(shifted(steps, shift, i -> (double) (steps - i) / steps));
    }

    /**
     * {@return the levels of given times: sigma = t / N}
     *
     * @param times at least one, decreasing, at most N and above 0
     * @throws IllegalArgumentException otherwise
     */
    public static FlowSigmas ofTimes(double... times) {
        if (times.length == 0) {
            throw new IllegalArgumentException("times of a sampler must be at least one, found none");
        }
        double before = Math.nextUp((double) TRAINING_TIMES);
        for (double time : times) {
            if (!(time < before && time > 0)) {
                throw new IllegalArgumentException("times of a sampler must decrease from at most " + TRAINING_TIMES
                        + " and stay above 0, found " + time
                        + (before > TRAINING_TIMES ? " as the first" : " after " + before));
            }
            before = time;
        }
        return new FlowSigmas(
                DoubleStream.of(times).map(time -> time / TRAINING_TIMES).toArray(), times.clone());
    }

    /** {@return n} */
    public int steps() {
        return times.length;
    }

    /**
     * {@return the noise level before a step}
     *
     * @param step from 0 to n; the level n is 0
     */
    public double sigma(int step) {
        return sigmas[step];
    }

    /**
     * {@return the time of the denoiser in a step, 0 to N}
     *
     * @param step from 0 to n - 1
     */
    public double time(int step) {
        return times[step];
    }

    /**
     * {@return lambda = log((1 - sigma) / sigma), half the logarithm of the signal-to-noise ratio; infinite at n}
     *
     * @param step from 0 to n
     */
    public double lambda(int step) {
        return Math.log1p(-sigmas[step]) - Math.log(sigmas[step]);
    }

    private static FlowSigmas withCutTimes(double[] levels) {
        double[] times = DoubleStream.of(levels)
                .map(sigma -> Math.floor(TRAINING_TIMES * sigma))
                .toArray();
        return new FlowSigmas(levels, times);
    }

    private static FlowSigmas withExactTimes(double[] levels) {
        double[] times =
                DoubleStream.of(levels).map(sigma -> TRAINING_TIMES * sigma).toArray();
        return new FlowSigmas(levels, times);
    }

    private static double[] shifted(int steps, double shift, IntToDoubleFunction u) {
        requireShift(shift);
        if (steps < 1) {
            throw new IllegalArgumentException("steps of a sampler must be at least 1, found " + steps);
        }
        return IntStream.range(0, steps)
                .mapToDouble(i -> shift(u.applyAsDouble(i), shift))
                .toArray();
    }

    private static double shift(double u, double shift) {
        return shift * u / (1 + (shift - 1) * u);
    }

    private static void requireShift(double shift) {
        if (!(shift > 0) || Double.isInfinite(shift)) {
            throw new IllegalArgumentException("shift of a sampler must be a positive number, found " + shift);
        }
    }
}
