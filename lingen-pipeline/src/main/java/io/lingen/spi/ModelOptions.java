package io.lingen.spi;

import io.lingen.core.checkpoint.ModelSource;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Files outside a model's folder that replace or change its components. {@link #applyTo} adds them to the model under paths that contain
 * their scales, so that the model's hash covers files and scales. Immutable.
 *
 * @param denoiser a safetensors file with the weights of the denoiser; null for the weights in the folder
 * @param adapters the adapters to merge into the denoiser, in this order
 */
public record ModelOptions(@Nullable Path denoiser, List<Adapter> adapters) {
    /** No files: the unmodified model. */
    public static final ModelOptions NONE = new ModelOptions(null, List.of());

    /** The path of {@link #denoiser} within the model. */
    public static final String DENOISER = "options/denoiser.safetensors";

    /** Copies the list of adapters. */
    public ModelOptions {
        adapters = List.copyOf(adapters);
    }

    /**
     * {@return the path of an adapter within the model}
     *
     * @param index the index of the adapter in {@link #adapters}
     */
    public String adapterPath(int index) {
        return "options/adapter-" + index + "-scale-" + adapters.get(index).scale() + ".safetensors";
    }

    /**
     * {@return the files of a model with these files added}
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
     * Checks that there are no files, for families that do not support them.
     *
     * @param family the name of the family, for the message
     * @throws IllegalArgumentException if there is a file
     */
    public void requireNone(String family) {
        if (denoiser != null || !adapters.isEmpty()) {
            throw new IllegalArgumentException("models of the family " + family + " must be used unmodified, found "
                    + (denoiser != null
                            ? "the transformer file " + denoiser
                            : "the LoRA " + adapters.get(0).file())
                    + "; omit it, or choose a model that supports it");
        }
    }
}
