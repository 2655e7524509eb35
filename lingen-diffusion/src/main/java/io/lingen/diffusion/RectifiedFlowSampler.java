package io.lingen.diffusion;

import io.lingen.core.Backend;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * Euler's method along a rectified flow (specification, section 5; Liu et al., 2022). An iterator: progress, preview, cancellation and
 * saving are the caller's loop.
 */
public final class RectifiedFlowSampler {
    private final Backend backend;

    /** @param backend where the latents are */
    public RectifiedFlowSampler(Backend backend) {
        this.backend = backend;
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
     * Follows a field from where another run stopped. A step depends on latent and times alone, so the latents are, bit for bit, those of
     * one uninterrupted run.
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
                    backend.addScaled((float) (next - t), velocity, latent);
                }
                done++;
                return new SamplingStep(done, next, latent);
            }
        };
    }
}
