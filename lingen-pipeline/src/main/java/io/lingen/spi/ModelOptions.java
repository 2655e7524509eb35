package io.lingen.spi;

import io.lingen.core.checkpoint.ModelSource;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Files outside of a model's folder that replace or change parts of it. They are read through {@link #applyTo the model's source}, under
 * paths that contain their scales, so that the model's hash covers them. Immutable.
 *
 * @param denoiser a single safetensors file with the denoiser's weights, in place of the folder's; null for the folder's
 * @param adapters merged into the denoiser, in this order
 */
public record ModelOptions(@Nullable Path denoiser, List<Adapter> adapters) {
    /** The model as it is. */
    public static final ModelOptions NONE = new ModelOptions(null, List.of());

    /** The path of {@link #denoiser} within the model. */
    public static final String DENOISER = "options/denoiser.safetensors";

    /** Copies the list. */
    public ModelOptions {
        adapters = List.copyOf(adapters);
    }

    /**
     * {@return the path of an adapter within the model}
     *
     * @param index of {@link #adapters}
     */
    public String adapterPath(int index) {
        return "options/adapter-" + index + "-scale-" + adapters.get(index).scale() + ".safetensors";
    }

    /**
     * {@return a model's files with these added}
     *
     * @param source the model
     */
    public ModelSource applyTo(ModelSource source) {
        Map<String, Path> files = new LinkedHashMap<>();
        if (denoiser != null) {
            files.put(DENOISER, denoiser);
        }
        for (int i = 0; i < adapters.size(); i++) {
            files.put(adapterPath(i), adapters.get(i).file());
        }
        return source.overlay(files);
    }

    /**
     * Checks that nothing is changed, for families that support no options.
     *
     * @param family the family's name, for the message
     * @throws IllegalArgumentException if there is a file
     */
    public void requireNone(String family) {
        if (denoiser != null || !adapters.isEmpty()) {
            throw new IllegalArgumentException("models of the family " + family + " must be used as they are, found "
                    + (denoiser != null
                            ? "the transformer file " + denoiser
                            : "the LoRA " + adapters.get(0).file())
                    + "; omit it, or choose a model that supports it");
        }
    }
}
