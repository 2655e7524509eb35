package io.lingen.diffusion;

import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;

/**
 * Classifier-free guidance (Ho and Salimans, 2022): p = p_u + s (p_c - p_u) (specification, section 5). The two passes run one after the
 * other, which saves memory. Channels beyond those of the latent, such as a variance, are those of the conditional pass.
 *
 * <p>Thread-safe if the two functions are.
 */
public final class Guidance implements DenoisingFunction {
    private final Backend backend;
    private final DenoisingFunction conditional;
    private final DenoisingFunction unconditional;
    private final float scale;

    private Guidance(Backend backend, DenoisingFunction conditional, DenoisingFunction unconditional, float scale) {
        this.backend = backend;
        this.conditional = conditional;
        this.unconditional = unconditional;
        this.scale = scale;
    }

    /**
     * Guides a denoiser.
     *
     * @param denoiser computes both passes
     * @param conditional the prompt or class
     * @param unconditional the negative or empty prompt, or no class; not used at scale 1
     * @param scale s, finite; at 1 the result is the conditional function, at half the cost
     * @return the guided function
     * @throws IllegalArgumentException if the scale is not finite
     */
    public static DenoisingFunction of(
            Denoiser denoiser, Conditioning conditional, Conditioning unconditional, double scale) {
        return of(
                denoiser.backend(),
                conditionalOnly(denoiser, conditional),
                conditionalOnly(denoiser, unconditional),
                scale);
    }

    /**
     * Guides one function by another.
     *
     * @param backend the backend of their tensors
     * @param conditional evaluated second
     * @param unconditional evaluated first; not used at scale 1
     * @param scale s, finite; at 1 the result is the conditional function, at half the cost
     * @return the guided function
     * @throws IllegalArgumentException if the scale is not finite
     */
    public static DenoisingFunction of(
            Backend backend, DenoisingFunction conditional, DenoisingFunction unconditional, double scale) {
        if (!Double.isFinite(scale)) {
            throw new IllegalArgumentException("guidance scale must be finite, found " + scale);
        }
        if (scale == 1) {
            return conditional;
        }
        return new Guidance(backend, conditional, unconditional, (float) scale);
    }

    /**
     * {@return the conditional function alone: guidance at scale 1}
     *
     * @param denoiser computes the passes
     * @param conditional the prompt or class
     */
    public static DenoisingFunction conditionalOnly(Denoiser denoiser, Conditioning conditional) {
        return (latent, t, out) -> denoiser.predict(latent, t, conditional, out);
    }

    @Override
    public void predict(Tensor latent, double t, Tensor out) {
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor unguided = workspace.allocate(out.dtype(), out.shape());
            unconditional.predict(latent, t, unguided);
            conditional.predict(latent, t, out);
            long channels = latent.shape().length(0);
            Tensor guided = out.slice(0, channels);
            backend.interpolate(unguided.slice(0, channels), guided, scale, guided);
        }
    }
}
