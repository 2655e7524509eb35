package io.lingen.diffusion.internal.sampler;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.diffusion.DenoisingFunction;
import io.lingen.diffusion.Prediction;
import io.lingen.diffusion.RectifiedFlowSampler;
import io.lingen.diffusion.Sampler;
import io.lingen.diffusion.Sampling;
import java.util.Map;

/**
 * DDIM (Song et al., 2021) for a denoiser that predicts noise: a {@link RectifiedFlowSampler} on the times of a {@link NoiseSchedule}, which
 * is the same method exactly. The latent is that of the rectified flow, y; it is the clean latent after the last step.
 */
public final class DdimSampler implements Sampler {
    private final Backend backend;
    private final NoiseSchedule schedule;
    private final int firstTimestep;
    private final Prediction prediction;
    private final RectifiedFlowSampler flow;

    /**
     * Creates a sampler.
     *
     * @param backend the backend of the latents
     * @param schedule the noise levels of the training
     * @param timesteps the timesteps of the steps, descending
     * @param prediction {@link Prediction#NOISE} or {@link Prediction#NOISE_AND_VARIANCE}, of which the variance is not used
     * @param eta the share of the noise that a step renews, 0 to 1
     * @param seed of the fresh noise, which differs from the noise that {@code backend.normal} makes of the same seed
     * @throws IllegalArgumentException if the timesteps do not descend within the schedule, or eta is out of range
     */
    public DdimSampler(
            Backend backend, NoiseSchedule schedule, int[] timesteps, Prediction prediction, double eta, long seed) {
        schedule.requireDescending(timesteps);
        this.backend = backend;
        this.schedule = schedule;
        this.firstTimestep = timesteps[0];
        this.prediction = prediction;
        double[] times = new double[timesteps.length + 1];
        for (int i = 0; i < timesteps.length; i++) {
            times[i] = schedule.time(timesteps[i]);
        }
        times[timesteps.length] = 1;
        this.flow = new RectifiedFlowSampler(backend, times, eta, seed);
    }

    @Override
    public int steps() {
        return flow.steps();
    }

    /** Writes the noise divided by A of the first timestep. */
    @Override
    public void start(long seed, Tensor latent) {
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor noise = workspace.allocate(DType.F32, latent.shape());
            backend.normal(seed, noise);
            backend.copy(noise, latent);
            backend.addScaled((float) (1 / schedule.amplitude(firstTimestep) - 1), noise, latent);
        }
    }

    @Override
    public Sampling sample(DenoisingFunction function, Tensor latent, int stepsDone, Map<String, HostTensor> state) {
        return flow.sample(schedule.velocity(backend, prediction, function), latent, stepsDone, state);
    }
}
