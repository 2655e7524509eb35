package io.lingen.diffusion;

import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import java.util.Map;

/**
 * Euler's method along a rectified flow (specification, section 5; Liu et al., 2022), optionally with fresh noise in every step. Requires a
 * denoiser that predicts {@link Prediction#VELOCITY}.
 *
 * <p>A step depends only on the latent, the times and its index, so {@link Sampling#state} is empty.
 */
public final class RectifiedFlowSampler implements Sampler {
    private final Backend backend;
    private final double[] times;
    private final NoiseRenewal renewal;

    /**
     * Creates a sampler without fresh noise.
     *
     * @param backend the backend of the latents
     * @param times strictly increasing, at least two; n + 1 times make n steps
     * @throws IllegalArgumentException if the times are not strictly increasing or fewer than two
     */
    public RectifiedFlowSampler(Backend backend, double[] times) {
        this(backend, times, 0, 0);
    }

    /**
     * Creates a sampler with fresh noise in every step.
     *
     * @param backend the backend of the latents
     * @param times strictly increasing, at least two; n + 1 times make n steps
     * @param eta from 0, Euler's method, to 1, all the noise that a step can renew: DDIM's eta (Song et al., 2021)
     * @param seed of the fresh noise, which differs from the noise that {@code backend.normal} makes of the same seed
     * @throws IllegalArgumentException if the times are not strictly increasing or fewer than two, or if eta is out of range
     */
    public RectifiedFlowSampler(Backend backend, double[] times, double eta, long seed) {
        this.backend = backend;
        this.times = times.clone();
        this.renewal = new NoiseRenewal(eta, seed);
        if (times.length < 2) {
            throw new IllegalArgumentException("schedule must have at least two times, found " + times.length);
        }
        for (int i = 1; i < times.length; i++) {
            if (!(times[i] > times[i - 1])) {
                throw new IllegalArgumentException(
                        "times of a schedule must increase, found " + times[i - 1] + " before " + times[i]);
            }
        }
    }

    @Override
    public int steps() {
        return times.length - 1;
    }

    @Override
    public void start(long seed, Tensor latent) {
        backend.normal(seed, latent);
    }

    @Override
    public Sampling sample(DenoisingFunction function, Tensor latent, int stepsDone, Map<String, HostTensor> state) {
        return new Flow(function, latent, stepsDone, state);
    }

    private final class Flow extends Sampling {
        private final DenoisingFunction function;
        private final Tensor velocity;
        private double time = Double.NaN;

        Flow(DenoisingFunction function, Tensor latent, int stepsDone, Map<String, HostTensor> state) {
            super(backend, latent, steps(), stepsDone);
            this.function = function;
            this.velocity = allocateLatent();
            restore(state);
        }

        @Override
        protected double step(int index) {
            double t = times[index];
            double next = times[index + 1];
            function.predict(latent(), t, velocity);
            double renewed = renewal.deviation(t, next);
            if (renewed == 0) {
                backend.addScaled((float) (next - t), velocity, latent()); // x += (t' - t) v
            } else {
                renewal.step(backend, latent(), velocity, t, next, renewed, index);
            }
            time = next;
            return next;
        }

        /** Computes x + (1 - t) v, the clean latent. */
        @Override
        public void estimate(Tensor out) {
            backend.copy(latent(), out);
            if (!Double.isNaN(time)) {
                backend.addScaled((float) (1 - time), velocity, out);
            }
        }
    }
}
