package io.lingen.diffusion.internal.sampler;

import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.diffusion.DenoisingFunction;
import io.lingen.diffusion.Sampling;
import java.util.Map;

/**
 * The sampler of models that were distilled to a few steps by distribution matching (Yin et al., 2024, "Improved distribution matching
 * distillation for fast image synthesis", section 4.4). Each step predicts the clean latent m and adds fresh noise e: x' = (1 - sigma') m +
 * sigma' e. The last step ends at m.
 *
 * <p>The noise is a function of the seed and the step, so there is no state.
 */
public final class DmdSampler extends FlowSampler {
    private final StepNoise noise;

    /**
     * Creates a sampler.
     *
     * @param backend the backend of the latents
     * @param sigmas the levels that the model was distilled for: {@link FlowSigmas#ofTimes} or {@link FlowSigmas#distilled}
     * @param seed of the fresh noise, which differs from the noise that {@code backend.normal} makes of the same seed
     */
    public DmdSampler(Backend backend, FlowSigmas sigmas, long seed) {
        this(backend, sigmas, StepNoise.ofSeed(backend, seed));
    }

    /**
     * Creates a sampler with given noise.
     *
     * @param backend the backend of the latents
     * @param sigmas the levels that the model was distilled for
     * @param noise the fresh noise
     */
    public DmdSampler(Backend backend, FlowSigmas sigmas, StepNoise noise) {
        super(backend, sigmas);
        this.noise = noise;
    }

    @Override
    public Sampling sample(DenoisingFunction function, Tensor latent, int stepsDone, Map<String, HostTensor> state) {
        return new FewSteps(function, latent, stepsDone, state);
    }

    private final class FewSteps extends DataPredictionSampling {
        private final Tensor clean; // m
        private final Tensor fresh; // e

        FewSteps(DenoisingFunction function, Tensor latent, int stepsDone, Map<String, HostTensor> state) {
            super(backend, sigmas, function, latent, stepsDone);
            this.clean = allocateLatent();
            this.fresh = allocateLatent();
            restore(state);
        }

        @Override
        protected double step(int i) {
            double next = sigmas.sigma(i + 1);
            predictClean(i, clean);
            noise.write(i, fresh);
            backend.interpolate(clean, fresh, (float) next, latent()); // x' = (1 - sigma') m + sigma' e
            return next;
        }
    }
}
