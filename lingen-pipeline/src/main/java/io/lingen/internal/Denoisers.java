package io.lingen.internal;

import io.lingen.core.DType;
import io.lingen.core.backend.Backend;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.Denoiser;
import io.lingen.diffusion.VideoTransformer;
import io.lingen.diffusion.internal.latte.LatteConfig;
import io.lingen.diffusion.internal.latte.LatteTransformer;

/** Loader of the denoisers of the documented checkpoint format, by their architecture. */
public final class Denoisers {
    private Denoisers() {}

    /**
     * {@return whether a denoiser has the architecture "latte"} False if it has no configuration.
     *
     * @param source the model
     * @param component the folder of the denoiser within the model
     */
    public static boolean isLatte(ModelSource source, String component) {
        String config = component + "/config.json";
        return source.exists(config)
                && source.config(config).textOr("architecture", "").equals(LatteConfig.ARCHITECTURE);
    }

    /**
     * Loads a denoiser.
     *
     * @param source the model
     * @param component the folder of the denoiser within the model
     * @param backend computes the passes
     * @param precision the type of matrix products and activations, F32 or BF16
     * @return the denoiser, to be closed by the caller before the backend
     * @throws io.lingen.core.checkpoint.CheckpointException if configuration or weights are ill-formed or do not match
     */
    public static Denoiser load(ModelSource source, String component, Backend backend, DType precision) {
        return isLatte(source, component)
                ? LatteTransformer.load(source, component, backend, precision)
                : VideoTransformer.load(source, component, backend, precision);
    }
}
