package io.lingen.diffusion.internal.sampler;

import io.lingen.core.Tensor;
import io.lingen.core.backend.Backend;
import io.lingen.diffusion.Sampler;

/** A sampler along given noise levels that starts from the standard normal noise of the seed. */
abstract class FlowSampler implements Sampler {
    final Backend backend;
    final FlowSigmas sigmas;

    FlowSampler(Backend backend, FlowSigmas sigmas) {
        this.backend = backend;
        this.sigmas = sigmas;
    }

    @Override
    public final int steps() {
        return sigmas.steps();
    }

    @Override
    public final void start(long seed, Tensor latent) {
        backend.normal(seed, latent);
    }
}
