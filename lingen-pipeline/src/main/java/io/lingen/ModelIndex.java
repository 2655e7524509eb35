package io.lingen;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.ModelSource;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a model folder holds: {@code model_index.json} (docs/checkpoint-format.md).
 *
 * @param fps frames per second of the model's videos
 * @param transformer the folder of the denoiser; likewise vae, textEncoders, scheduler
 * @param thesaurus the file of the model's {@link io.lingen.text.Thesaurus}; null if prompts are encoded as they are
 * @param nativeSize what a request that names no size gets; null if it has to name one
 */
public record ModelIndex(
        int fps,
        String transformer,
        String vae,
        List<String> textEncoders,
        String scheduler,
        @Nullable String thesaurus,
        @Nullable NativeSize nativeSize) {
    /** The name of the file. */
    public static final String FILE = "model_index.json";

    /** The size that a model was trained for, in pixels, and the length of its videos in seconds. */
    public record NativeSize(int width, int height, double seconds) {}

    public ModelIndex {
        textEncoders = List.copyOf(textEncoders);
    }

    /**
     * Reads and checks a model's index.
     *
     * @throws CheckpointException naming the field, what was found and what would do
     */
    public static ModelIndex read(ModelSource source) {
        if (!source.exists(FILE)) {
            throw new CheckpointException(source.name() + " has no " + FILE
                    + ", so it is not a model folder; its layout is in docs/checkpoint-format.md");
        }
        ConfigReader json = source.config(FILE);
        if (!json.text("format").equals("lingen")) {
            throw json.error("format", json.text("format"), "\"lingen\"");
        }
        json.integer("version", 1, 1);
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
