package io.lingen.diffusion.internal.sampler;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.diffusion.DenoisingFunction;
import io.lingen.diffusion.Prediction;
import io.lingen.diffusion.Sampler;
import io.lingen.diffusion.Sampling;
import java.util.Map;

/**
 * Ancestral sampling with a learned variance (Nichol and Dhariwal, 2021, section 3.1) on some timesteps of a {@link NoiseSchedule}. Requires
 * a denoiser that predicts {@link Prediction#NOISE_AND_VARIANCE}. The latent is x of the schedule.
 *
 * <p>With a and a' of a step and the next, cleaner one (1 after the last), and b = 1 - a / a', a step is
 *
 * <pre>{@code
 * x0   = x / sqrt(a) - sqrt(1 / a - 1) e
 * mean = b sqrt(a') / (1 - a) x0 + (1 - a') sqrt(1 - b) / (1 - a) x
 * x'   = mean + exp((f log b + (1 - f) log(b (1 - a') / (1 - a))) / 2) z,   f = (v + 1) / 2
 * }</pre>
 *
 * without the noise z in the last step. The noise is a function of the seed and the step, so {@link Sampling#state} is empty.
 */
public final class DdpmSampler implements Sampler {
    private final Backend backend;
    private final NoiseSchedule schedule;
    private final int[] timesteps;
    private final StepNoise noise;

    /**
     * Creates a sampler.
     *
     * @param backend the backend of the latents
     * @param schedule the noise levels of the training
     * @param timesteps the timesteps of the steps, descending
     * @param noise the fresh noise of every step
     * @throws IllegalArgumentException if the timesteps do not descend within the schedule
     */
    public DdpmSampler(Backend backend, NoiseSchedule schedule, int[] timesteps, StepNoise noise) {
        schedule.requireDescending(timesteps);
        this.backend = backend;
        this.schedule = schedule;
        this.timesteps = timesteps.clone();
        this.noise = noise;
    }

    @Override
    public int steps() {
        return timesteps.length;
    }

    @Override
    public void start(long seed, Tensor latent) {
        backend.normal(seed, latent);
    }

    @Override
    public Sampling sample(DenoisingFunction function, Tensor latent, int stepsDone, Map<String, HostTensor> state) {
        return new Ancestral(function, latent, stepsDone, state);
    }

    private final class Ancestral extends Sampling {
        private final DenoisingFunction function;
        private final Tensor clean; // x0
        private boolean hasClean;

        Ancestral(DenoisingFunction function, Tensor latent, int stepsDone, Map<String, HostTensor> state) {
            super(backend, latent, timesteps.length, stepsDone);
            this.function = function;
            this.clean = allocateLatent();
            restore(state);
        }

        @Override
        protected double step(int index) {
            boolean isLast = index == timesteps.length - 1;
            double a = schedule.signal(timesteps[index]);
            double next = isLast ? 1 : schedule.signal(timesteps[index + 1]); // a'
            double b = 1 - a / next;
            Tensor x = latent();
            try (Workspace workspace = backend.newWorkspace()) {
                Tensor predicted = workspace.allocate(DType.F32, Prediction.NOISE_AND_VARIANCE.outputOf(x.shape()));
                function.predict(x, timesteps[index], predicted);
                long channels = x.shape().length(0);
                Tensor scratch = workspace.allocate(DType.F32, x.shape());
                backend.copy(x, clean);
                backend.copy(x, scratch);
                backend.addScaled((float) (1 / Math.sqrt(a) - 1), scratch, clean);
                backend.addScaled((float) -Math.sqrt(1 / a - 1), predicted.slice(0, channels), clean); // x0
                backend.addScaled((float) ((1 - next) * Math.sqrt(1 - b) / (1 - a) - 1), scratch, x);
                backend.addScaled((float) (b * Math.sqrt(next) / (1 - a)), clean, x); // mean
                if (!isLast) {
                    Tensor deviation = predicted.slice(channels, 2 * channels);
                    exponentiate(deviation, Math.log(b), Math.log(b * (1 - next) / (1 - a)));
                    noise.write(index, scratch);
                    backend.multiply(scratch, deviation, scratch);
                    backend.add(x, scratch, x);
                }
            }
            hasClean = true;
            return isLast ? 0 : timesteps[index + 1];
        }

        /** Replaces v by the deviation of the noise. On the host, since a step has few elements and backends have no exponential. */
        private void exponentiate(Tensor v, double logUpper, double logLower) {
            if (!backend.computes()) {
                return;
            }
            float[] values = backend.download(v).toFloats();
            for (int i = 0; i < values.length; i++) {
                double fraction = (values[i] + 1.0) / 2;
                values[i] = (float) Math.exp((fraction * logUpper + (1 - fraction) * logLower) / 2);
            }
            backend.write(HostTensor.of(values, v.shape().toArray()), v);
        }

        @Override
        public void estimate(Tensor out) {
            backend.copy(hasClean ? clean : latent(), out);
        }
    }
}
