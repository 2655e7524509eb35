package io.lingen.internal.family;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.spi.ModelSignature;
import io.lingen.spi.VideoLimits.NativeSize;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The index of a model folder, {@code model_index.json} (docs/checkpoint-format.md).
 *
 * @param fps the default frame rate in frames per second
 * @param transformer the folder of the denoiser
 * @param vae the folder of the decoder
 * @param textEncoders the folders of the text encoders
 * @param scheduler the folder of the sampler's defaults
 * @param thesaurus the file of the {@link io.lingen.text.Thesaurus}; null if prompts are encoded verbatim
 * @param nativeSize the default size and length; null if every request must contain them
 */
record ModelIndex(
        int fps,
        String transformer,
        String vae,
        List<String> textEncoders,
        String scheduler,
        @Nullable String thesaurus,
        @Nullable NativeSize nativeSize) {
    ModelIndex {
        textEncoders = List.copyOf(textEncoders);
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
        ConfigReader size = json.objectOrNull("native");
        ModelIndex index = new ModelIndex(
                json.integer("fps", 1, 1000),
                components.text("transformer"),
                components.text("vae"),
                components.texts("text_encoders"),
                components.text("scheduler"),
                components.has("thesaurus") ? components.text("thesaurus") : null,
                size == null
                        ? null
                        : new NativeSize(
                                size.integer("width", 1, 1 << 16),
                                size.integer("height", 1, 1 << 16),
                                size.number("seconds", 1e-3, 1e6)));
        if (size != null) {
            size.end();
        }
        components.end();
        json.end();
        return index;
    }
}
