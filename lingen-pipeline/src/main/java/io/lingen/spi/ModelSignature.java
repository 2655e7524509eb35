package io.lingen.spi;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.internal.SafeText;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a model's {@value #FILE} that identify its family. Other fields are ignored.
 *
 * @param format the field {@code format}, for example "lingen"; null if missing
 * @param family the field {@code family}, which distinguishes families of one format; null if missing
 * @param className the field {@code _class_name} of folders in the layout of Hugging Face diffusers; null if missing
 */
public record ModelSignature(
        @Nullable String format,
        @Nullable String family,
        @Nullable String className) {
    /** The index of a model, in the root of its folder. */
    public static final String FILE = "model_index.json";

    /**
     * Reads the signature of a model.
     *
     * @param source the model
     * @return the signature
     * @throws CheckpointException if the index is missing or malformed
     */
    public static ModelSignature read(ModelSource source) {
        if (!source.exists(FILE)) {
            throw new CheckpointException(source.name() + ": expected a model folder, found no " + FILE
                    + "; docs/checkpoint-format.md describes the layout");
        }
        ConfigReader json = source.config(FILE);
        return new ModelSignature(text(json, "format"), text(json, "family"), text(json, "_class_name"));
    }

    private static @Nullable String text(ConfigReader json, String field) {
        return json.has(field) ? json.text(field) : null;
    }

    /** {@return the fields that are present, for messages} */
    @Override
    public String toString() {
        List<String> fields = new ArrayList<>();
        add(fields, "format", format);
        add(fields, "family", family);
        add(fields, "_class_name", className);
        return fields.isEmpty() ? "none of format, family and _class_name" : String.join(", ", fields);
    }

    private static void add(List<String> fields, String name, @Nullable String value) {
        if (value != null) {
            fields.add(name + " \"" + SafeText.of(value) + '"');
        }
    }
}
