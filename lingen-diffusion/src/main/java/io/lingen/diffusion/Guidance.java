package io.lingen.diffusion;

import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;

/**
 * Classifier-free guidance (Ho and Salimans, 2022): v = v_u + s (v_c - v_u), the two halves one after the other to save memory
 * (specification, section 5).
 */
public final class Guidance implements VelocityField {
    private final Backend backend;
    private final VelocityField conditional;
    private final VelocityField unconditional;
    private final float scale;

    private Guidance(Backend backend, VelocityField conditional, VelocityField unconditional, float scale) {
        this.backend = backend;
        this.conditional = conditional;
        this.unconditional = unconditional;
        this.scale = scale;
    }

    /**
     * The guided field.
     *
     * @param conditional the prompt
     * @param unconditional the negative or empty prompt; not used at scale 1
     * @param scale s, finite; 1 is the conditional field alone, at half the cost
     */
    public static VelocityField of(
            Denoiser denoiser, Conditioning conditional, Conditioning unconditional, double scale) {
        return of(
                denoiser.backend(),
                conditionalOnly(denoiser, conditional),
                conditionalOnly(denoiser, unconditional),
                scale);
    }

    /**
     * The guided field of two others, asked one after the other, the unconditional one first.
     *
     * @param backend where their latents are
     * @param unconditional not asked at scale 1
     * @param scale s, finite; 1 is the conditional field alone, at half the cost
     */
    public static VelocityField of(
            Backend backend, VelocityField conditional, VelocityField unconditional, double scale) {
        if (!Double.isFinite(scale)) {
            throw new IllegalArgumentException("the guidance scale is a finite number, found " + scale);
        }
        if (scale == 1) {
            return conditional;
        }
        return new Guidance(backend, conditional, unconditional, (float) scale);
    }

    /** The conditional field alone: guidance at scale 1. */
    public static VelocityField conditionalOnly(Denoiser denoiser, Conditioning conditional) {
        return (latent, t, velocity) -> denoiser.velocity(latent, t, conditional, velocity);
    }

    @Override
    public void velocity(Tensor latent, double t, Tensor velocity) {
        try (Workspace workspace = backend.newWorkspace()) {
            Tensor unguided = workspace.allocate(velocity.dtype(), velocity.shape());
            unconditional.velocity(latent, t, unguided);
            conditional.velocity(latent, t, velocity);
            backend.interpolate(unguided, velocity, scale, velocity);
        }
    }
}
