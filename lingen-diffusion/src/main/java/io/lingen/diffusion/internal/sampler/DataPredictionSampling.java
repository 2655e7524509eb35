package io.lingen.diffusion.internal.sampler;

import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.diffusion.DenoisingFunction;
import io.lingen.diffusion.Sampling;
import org.jspecify.annotations.Nullable;

/** Steps that are computed from estimates m of the clean latent: data prediction (Lu et al., 2022). */
abstract class DataPredictionSampling extends Sampling {
    private final Backend backend;
    private final FlowSigmas sigmas;
    private final DenoisingFunction function;
    private final Tensor velocity;
    private @Nullable Tensor estimate;

    DataPredictionSampling(
            Backend backend, FlowSigmas sigmas, DenoisingFunction function, Tensor latent, int stepsDone) {
        super(backend, latent, sigmas.steps(), stepsDone);
        this.backend = backend;
        this.sigmas = sigmas;
        this.function = function;
        this.velocity = allocateLatent();
    }

    /**
     * Evaluates the denoiser: m = x - sigma v.
     *
     * @param step from 0
     * @param m overwritten; read by {@link #estimate} until the next step
     */
    final void predictClean(int step, Tensor m) {
        function.predict(latent(), sigmas.time(step), velocity);
        backend.copy(latent(), m);
        backend.addScaled((float) -sigmas.sigma(step), velocity, m);
        estimate = m;
    }

    @Override
    public final void estimate(Tensor out) {
        backend.copy(estimate == null ? latent() : estimate, out);
    }
}
