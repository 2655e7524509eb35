package io.lingen.diffusion.internal.sampler;

import io.lingen.core.HostTensor;
import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.diffusion.DenoisingFunction;
import io.lingen.diffusion.Sampling;
import java.util.Map;

/** Euler's method from noise to data: x' = x + (sigma' - sigma) v. A step depends only on the latent and the levels: there is no state. */
public final class FlowEulerSampler extends FlowSampler {
    /**
     * Creates a sampler.
     *
     * @param backend the backend of the latents
     * @param sigmas usually {@link FlowSigmas#flowEuler}, or given times
     */
    public FlowEulerSampler(Backend backend, FlowSigmas sigmas) {
        super(backend, sigmas);
    }

    @Override
    public Sampling sample(DenoisingFunction function, Tensor latent, int stepsDone, Map<String, HostTensor> state) {
        return new Euler(function, latent, stepsDone, state);
    }

    private final class Euler extends Sampling {
        private final DenoisingFunction function;
        private final Tensor velocity;
        private double sigma; // of the latent; 0 before the first step of this object, when no velocity is known

        Euler(DenoisingFunction function, Tensor latent, int stepsDone, Map<String, HostTensor> state) {
            super(backend, latent, sigmas.steps(), stepsDone);
            this.function = function;
            this.velocity = allocateLatent();
            restore(state);
        }

        @Override
        protected double step(int i) {
            function.predict(latent(), sigmas.time(i), velocity);
            sigma = sigmas.sigma(i + 1);
            backend.addScaled((float) (sigma - sigmas.sigma(i)), velocity, latent()); // x += (sigma' - sigma) v
            return sigma;
        }

        /** Computes x - sigma v, the clean latent. */
        @Override
        public void estimate(Tensor out) {
            backend.copy(latent(), out);
            if (sigma > 0) {
                backend.addScaled((float) -sigma, velocity, out);
            }
        }
    }
}
