package io.lingen.internal.family;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.spi.ModelSignature;
import io.lingen.spi.VideoLimits.NativeSize;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The index of a model folder, {@code model_index.json} (docs/checkpoint-format.md). A field that is missing is an error when it is used, so
 * that components of a model can be used alone.
 */
final class ModelIndex {
    private static final List<String> FOLDERS = List.of("transformer", "vae", "scheduler");

    private final String file;
    private final @Nullable Integer fps;
    private final Map<String, String> folders;
    private final @Nullable List<String> textEncoders;
    private final @Nullable String thesaurus;
    private final @Nullable NativeSize nativeSize;

    private ModelIndex(String file, ConfigReader json, ConfigReader components) {
        this.file = file;
        this.fps = json.has("fps") ? (Integer) json.integer("fps", 1, 1000) : null;
        this.folders = new LinkedHashMap<>();
        for (String component : FOLDERS) {
            if (components.has(component)) {
                folders.put(component, components.text(component));
            }
        }
        this.textEncoders = components.has("text_encoders") ? components.texts("text_encoders") : null;
        this.thesaurus = components.has("thesaurus") ? components.text("thesaurus") : null;
        ConfigReader size = json.objectOrNull("native");
        this.nativeSize = size == null ? null : nativeSize(size);
    }

    private static NativeSize nativeSize(ConfigReader size) {
        NativeSize nativeSize = new NativeSize(
                size.integer("width", 1, 1 << 16),
                size.integer("height", 1, 1 << 16),
                size.number("seconds", 1e-3, 1e6));
        size.end();
        return nativeSize;
    }

    /**
     * Reads and checks the index of a model.
     *
     * @throws CheckpointException if it is missing or malformed; the message contains the field, the value found and the rule
     */
    static ModelIndex read(ModelSource source) {
        ConfigReader json = source.config(ModelSignature.FILE);
        if (!json.text("format").equals(LinGenFamily.NAME)) {
            throw json.error("format", json.text("format"), '"' + LinGenFamily.NAME + '"');
        }
        json.integer("version", 1, 1);
        if (json.has("family") && !json.text("family").equals(LinGenFamily.NAME)) {
            throw json.error("family", json.text("family"), '"' + LinGenFamily.NAME + '"');
        }
        ConfigReader components = json.object("components");
        ModelIndex index = new ModelIndex(source.name() + "/" + ModelSignature.FILE, json, components);
        components.end();
        json.end();
        return index;
    }

    /**
     * {@return the default frame rate in frames per second}
     *
     * @throws CheckpointException if the index has none
     */
    int fps() {
        return required("fps", fps, "an integer from 1 to 1000");
    }

    /** {@return the folder of the denoiser; null if the index has none} */
    @Nullable
    String transformerOrNull() {
        return folders.get("transformer");
    }

    /** {@return the folder of the sampler's defaults; null if the index has none} */
    @Nullable
    String schedulerOrNull() {
        return folders.get("scheduler");
    }

    /**
     * {@return the folder of the denoiser}
     *
     * @throws CheckpointException if the index has none
     */
    String transformer() {
        return folder("transformer");
    }

    /**
     * {@return the folder of the decoder}
     *
     * @throws CheckpointException if the index has none
     */
    String vae() {
        return folder("vae");
    }

    /**
     * {@return the folder of the sampler's defaults}
     *
     * @throws CheckpointException if the index has none
     */
    String scheduler() {
        return folder("scheduler");
    }

    /**
     * {@return the folders of the text encoders, in the order of the denoiser}
     *
     * @throws CheckpointException if the index has none
     */
    List<String> textEncoders() {
        return required("components.text_encoders", textEncoders, "an array of folders");
    }

    /** {@return the file of the {@link io.lingen.text.Thesaurus}; null if prompts are encoded verbatim} */
    @Nullable
    String thesaurus() {
        return thesaurus;
    }

    /** {@return the default size and length; null if every request must contain them} */
    @Nullable
    NativeSize nativeSize() {
        return nativeSize;
    }

    private String folder(String component) {
        return required("components." + component, folders.get(component), "a folder");
    }

    private <T> T required(String field, @Nullable T value, String expected) {
        if (value == null) {
            throw new CheckpointException(file + ": field '" + field + "': found nothing, expected " + expected);
        }
        return value;
    }
}
