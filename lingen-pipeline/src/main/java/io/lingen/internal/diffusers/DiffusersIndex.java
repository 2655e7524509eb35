package io.lingen.internal.diffusers;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.core.internal.SafeText;
import io.lingen.spi.ModelSignature;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The index of a folder in the layout of diffusers: {@code model_index.json}. Parts may be missing from it, so that a folder with a
 * transformer alone can be compared with fixtures.
 */
public final class DiffusersIndex {
    private final ConfigReader json;

    private DiffusersIndex(ConfigReader json) {
        this.json = json;
    }

    /**
     * Reads an index.
     *
     * @param source the folder
     * @return the index
     * @throws CheckpointException if it is malformed
     */
    public static DiffusersIndex read(ModelSource source) {
        return new DiffusersIndex(source.config(ModelSignature.FILE));
    }

    /** {@return the fields of the index} */
    public ConfigReader json() {
        return json;
    }

    /** {@return the class of the pipeline} */
    public String pipeline() {
        return json.text("_class_name");
    }

    /**
     * Checks the class of the pipeline.
     *
     * @param supported the classes that are implemented
     * @param others descriptions of classes that are not
     * @throws CheckpointException if it is none of the supported
     */
    public void requirePipeline(List<String> supported, Map<String, String> others) {
        String pipeline = pipeline();
        if (!supported.contains(pipeline)) {
            String kind = others.get(pipeline);
            throw json.error(
                    "_class_name",
                    '"' + SafeText.of(pipeline) + '"' + (kind == null ? "" : " (" + kind + ")"),
                    '"' + String.join("\" or \"", supported) + "\": text-to-video models");
        }
    }

    /**
     * Checks the class of a component, if the index has the component.
     *
     * @param component for example "vae"
     * @param expected the class that is implemented
     * @throws CheckpointException if it is another
     */
    public void requireClass(String component, String expected) {
        String found = className(component);
        if (found != null && !found.equals(expected)) {
            throw json.error(component, '"' + SafeText.of(found) + '"', expected);
        }
    }

    /**
     * {@return the class of a component; null if the index does not have it}
     *
     * @param component for example "vae"
     * @throws CheckpointException if the component is malformed
     */
    public @Nullable String className(String component) {
        if (!json.has(component)) {
            return null;
        }
        List<@Nullable String> libraryAndClass = json.textsOrNulls(component);
        if (libraryAndClass.size() != 2) {
            throw json.error(component, "an array of " + libraryAndClass.size(), "a library and a class");
        }
        return libraryAndClass.get(1);
    }
}
