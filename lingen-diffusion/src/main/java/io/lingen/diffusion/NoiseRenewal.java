package io.lingen.diffusion;

import io.lingen.core.DType;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.internal.SplitMix64;

/**
 * The addition of fresh noise in the steps of a rectified flow: DDIM's eta (Song et al., 2021, equation 16) along its path.
 *
 * <p>At time t, a latent x and its velocity v determine the clean latent x1 = x + (1 - t) v and the noise x0 = x - t v. Euler's step to t'
 * keeps both: t' x1 + (1 - t') x0. With eta, part of the noise is renewed: t' x1 + (1 - t') (sqrt(1 - u^2) x0 + u e), where e is normal,
 * u^2 = eta^2 (1 - (s' / s)^2) and s = (1 - t) / t. Later steps can thus correct errors of earlier ones.
 */
final class NoiseRenewal {
    private final double eta;
    private final long seed;

    /**
     * Creates the renewal of a run.
     *
     * @param eta from 0, Euler's method, to 1, all the noise that a step can renew
     * @param seed of the fresh noise, which differs from the noise that {@code backend.normal} makes of the same seed
     * @throws IllegalArgumentException if eta is out of range
     */
    NoiseRenewal(double eta, long seed) {
        if (!(eta >= 0 && eta <= 1)) {
            throw new IllegalArgumentException("eta must be 0 to 1, found " + eta);
        }
        this.eta = eta;
        this.seed = seed;
    }

    /** {@return the deviation (1 - t') u of the noise that a step from t to next renews; 0 for Euler's step} */
    double deviation(double t, double next) {
        double ratio = t * (1 - next) / (next * (1 - t)); // s' / s
        return (1 - next) * eta * Math.sqrt(1 - ratio * ratio);
    }

    /**
     * Moves a latent from t to next.
     *
     * @param deviation of the noise that is renewed, positive
     * @param index of the step, from 0
     */
    void step(Backend backend, Tensor latent, Tensor velocity, double t, double next, double deviation, int index) {
        double kept = Math.sqrt((1 - next) * (1 - next) - deviation * deviation); // (1 - t') sqrt(1 - u^2)
        // t' x1 + kept x0 = x + a (v + b x), where a is positive.
        double a = next * (1 - t) - kept * t;
        double b = (next + kept - 1) / a;
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor scratch = workspace.allocate(DType.F32, latent.shape());
            backend.copy(velocity, scratch);
            backend.addScaled((float) b, latent, scratch);
            backend.addScaled((float) a, scratch, latent);
            backend.normal(SplitMix64.output(seed, index), scratch);
            backend.addScaled((float) deviation, scratch, latent);
        }
    }
}
