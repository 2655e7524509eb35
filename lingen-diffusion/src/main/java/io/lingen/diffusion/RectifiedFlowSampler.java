package io.lingen.diffusion;

import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * Euler's method along a rectified flow (specification, section 5; Liu et al., 2022), or with fresh noise in every step. An iterator:
 * progress, preview, cancellation and saving are the caller's loop.
 *
 * <p>At the time t a latent x and its velocity v stand for the clean latent x1 = x + (1 - t) v and the noise x0 = x - t v. Euler's step to
 * t' keeps both: t' x1 + (1 - t') x0. With eta the noise is renewed in part, t' x1 + (1 - t') (sqrt(1 - u^2) x0 + u e), e normal
 * and u^2 = eta^2 (1 - (s' / s)^2), where s = (1 - t) / t: DDIM's eta (Song et al., 2021, equation 16) on a rectified flow's path. What
 * early steps got wrong can so be mended by later ones.
 */
public final class RectifiedFlowSampler {
    private final Backend backend;
    private final double eta;
    private final long seed;

    /**
     * Euler's method.
     *
     * @param backend where the latents are
     */
    public RectifiedFlowSampler(Backend backend) {
        this(backend, 0, 0);
    }

    /**
     * @param backend where the latents are
     * @param eta 0, Euler's method, to 1, all the noise that a step can renew
     * @param seed of the fresh noise, which is another one than {@code backend.normal} makes of this seed
     */
    public RectifiedFlowSampler(Backend backend, double eta, long seed) {
        if (!(eta >= 0 && eta <= 1)) {
            throw new IllegalArgumentException("eta is 0 to 1, found " + eta);
        }
        this.backend = backend;
        this.eta = eta;
        this.seed = seed;
    }

    /**
     * Follows a field. Every call of {@code next()} takes one step; nothing is computed before.
     *
     * @param field the velocity
     * @param latent the noise at the first time, F32; moved in place
     * @param times strictly increasing, at least two; n + 1 times make n steps
     */
    public Iterator<SamplingStep> steps(VelocityField field, Tensor latent, double[] times) {
        return steps(field, latent, times, 0);
    }

    /**
     * Follows a field from where another run stopped. A step depends on latent, times and its place alone, so the latents are, bit for
     * bit, those of one uninterrupted run.
     *
     * @param field the velocity
     * @param latent the latent at {@code times[stepsDone]}, F32; moved in place
     * @param times strictly increasing, at least two; n + 1 times make n steps
     * @param stepsDone 0 to n
     */
    public Iterator<SamplingStep> steps(VelocityField field, Tensor latent, double[] times, int stepsDone) {
        double[] schedule = times.clone();
        if (schedule.length < 2) {
            throw new IllegalArgumentException("a schedule has at least two times, found " + schedule.length);
        }
        for (int i = 1; i < schedule.length; i++) {
            if (!(schedule[i] > schedule[i - 1])) {
                throw new IllegalArgumentException(
                        "a schedule's times increase, found " + schedule[i - 1] + " before " + schedule[i]);
            }
        }
        if (stepsDone < 0 || stepsDone >= schedule.length) {
            throw new IllegalArgumentException(
                    "the steps done are 0 to the schedule's " + (schedule.length - 1) + ", found " + stepsDone);
        }
        return new Iterator<>() {
            private int done = stepsDone;

            @Override
            public boolean hasNext() {
                return done < schedule.length - 1;
            }

            @Override
            public SamplingStep next() {
                if (!hasNext()) {
                    throw new NoSuchElementException("all " + done + " steps are done");
                }
                double t = schedule[done];
                double next = schedule[done + 1];
                try (Workspace workspace = backend.newWorkspace()) {
                    Tensor velocity = workspace.allocate(latent.dtype(), latent.shape());
                    field.velocity(latent, t, velocity);
                    move(latent, velocity, t, next, done);
                }
                done++;
                return new SamplingStep(done, next, latent);
            }
        };
    }

    /** From t to next; overwrites the velocity. */
    private void move(Tensor latent, Tensor velocity, double t, double next, int step) {
        double ratio = t * (1 - next) / (next * (1 - t)); // s' / s
        double renewed = (1 - next) * eta * Math.sqrt(1 - ratio * ratio); // (1 - t') u
        if (renewed == 0) {
            backend.addScaled((float) (next - t), velocity, latent);
            return;
        }
        double kept = Math.sqrt((1 - next) * (1 - next) - renewed * renewed); // (1 - t') sqrt(1 - u^2)
        // t' x1 + kept x0 = x + a (v + b x), whose a is positive.
        double a = next * (1 - t) - kept * t;
        backend.addScaled((float) ((next + kept - 1) / a), latent, velocity);
        backend.addScaled((float) a, velocity, latent);
        backend.normal(seedOf(step), velocity);
        backend.addScaled((float) renewed, velocity, latent);
    }

    /** A step's own seed: the output of SplitMix64 (Steele et al., 2014) after so many steps from the seed. */
    private long seedOf(int step) {
        long z = seed + (step + 1) * 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
