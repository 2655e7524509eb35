package io.lingen.diffusion.internal.sampler;

import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.diffusion.DenoisingFunction;
import io.lingen.diffusion.Sampling;
import java.util.Map;

/**
 * DPM-Solver++(2M), the multistep solver of second order (Lu et al., 2022, "DPM-Solver++: Fast solver for guided sampling of diffusion
 * probabilistic models", algorithm 2). The first and the last step are of first order.
 *
 * <p>A step: x' = D + sigma'/sigma (x - D), D = m + 1/2 (m - m_before) / r, r = (lambda - lambda_before) / (lambda' - lambda).
 */
public final class DpmSolverSampler extends FlowSampler {
    /**
     * Creates a sampler.
     *
     * @param backend the backend of the latents
     * @param sigmas usually {@link FlowSigmas#dpmSolver}
     */
    public DpmSolverSampler(Backend backend, FlowSigmas sigmas) {
        super(backend, sigmas);
    }

    @Override
    public Sampling sample(DenoisingFunction function, Tensor latent, int stepsDone, Map<String, HostTensor> state) {
        return new Multistep(function, latent, stepsDone, state);
    }

    private final class Multistep extends DataPredictionSampling {
        private Tensor clean; // m
        private Tensor before; // m of the step before
        private final Tensor mean; // D

        Multistep(DenoisingFunction function, Tensor latent, int stepsDone, Map<String, HostTensor> state) {
            super(backend, sigmas, function, latent, stepsDone);
            this.clean = allocateLatent();
            this.before = allocateLatent();
            this.mean = allocateLatent();
            restore(state);
        }

        @Override
        protected double step(int i) {
            Tensor oldest = before;
            before = clean;
            clean = oldest;
            predictClean(i, clean);
            if (i > 0 && i < steps() - 1) {
                double lambda = sigmas.lambda(i);
                double r = (lambda - sigmas.lambda(i - 1)) / (sigmas.lambda(i + 1) - lambda);
                backend.interpolate(before, clean, (float) (1 + 0.5 / r), mean); // D = m + 1/2 (m - m_before) / r
            } else {
                backend.copy(clean, mean);
            }
            // x' = D + sigma'/sigma (x - D)
            backend.interpolate(mean, latent(), (float) (sigmas.sigma(i + 1) / sigmas.sigma(i)), latent());
            return sigmas.sigma(i + 1);
        }

        @Override
        protected Map<String, Tensor> stateTensors() {
            return Map.of("clean", clean);
        }
    }
}
