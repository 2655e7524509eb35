package io.lingen.spi;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.internal.SafeText;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a model's {@value #FILE} that tell its family. Other fields are not looked at.
 *
 * @param format of the folder, such as "lingen"; null if the field is missing
 * @param family the family within a format; null if the field is missing
 * @param className the field {@code _class_name} of folders in the layout of Hugging Face's diffusers; null if it is missing
 */
public record ModelSignature(
        @Nullable String format,
        @Nullable String family,
        @Nullable String className) {
    /** The file that makes a folder a model. */
    public static final String FILE = "model_index.json";

    /**
     * Reads a model's signature.
     *
     * @throws CheckpointException if there is no such file, or it is ill-formed
     */
    public static ModelSignature read(ModelSource source) {
        if (!source.exists(FILE)) {
            throw new CheckpointException(source.name() + " has no " + FILE
                    + ", so it is not a model folder; its layout is in docs/checkpoint-format.md");
        }
        ConfigReader json = source.config(FILE);
        return new ModelSignature(text(json, "format"), text(json, "family"), text(json, "_class_name"));
    }

    private static @Nullable String text(ConfigReader json, String field) {
        return json.has(field) ? json.text(field) : null;
    }

    /** The fields that are there, for messages. */
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
