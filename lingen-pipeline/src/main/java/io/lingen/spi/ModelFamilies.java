package io.lingen.spi;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/** Lookup of the model families on the class path. Thread-safe. */
public final class ModelFamilies {
    private ModelFamilies() {}

    /** {@return all families on the class path, sorted by name} */
    public static List<ModelFamily> all() {
        List<ModelFamily> families = new ArrayList<>();
        ServiceLoader.load(ModelFamily.class).forEach(families::add);
        families.sort(Comparator.comparing(ModelFamily::name));
        return List.copyOf(families);
    }

    /**
     * Opens an unmodified model with the family that recognizes its signature.
     *
     * @param source the model; the caller keeps it open while the result is in use, and closes it
     * @return the description of the model
     * @throws CheckpointException if the source is not a model, belongs to no family on the class path, or is malformed
     * @throws IllegalStateException if several families recognize the signature
     */
    public static ModelDescription open(ModelSource source) {
        return open(source, ModelOptions.NONE);
    }

    /**
     * Opens a model with the family that recognizes its signature.
     *
     * @param source the model, with the options applied; the caller keeps it open while the result is in use, and closes it
     * @param options files that replace or change components of the model
     * @return the description of the model
     * @throws CheckpointException if the source is not a model, belongs to no family on the class path, or is malformed
     * @throws IllegalStateException if several families recognize the signature
     * @throws IllegalArgumentException if its family does not support an option
     */
    public static ModelDescription open(ModelSource source, ModelOptions options) {
        ModelSignature signature = ModelSignature.read(source);
        List<ModelFamily> families = all();
        List<ModelFamily> found =
                families.stream().filter(family -> family.recognizes(signature)).toList();
        if (found.size() > 1) {
            throw new IllegalStateException(source.name() + "/" + ModelSignature.FILE + ": " + signature
                    + " must belong to one model family, found " + names(found)
                    + "; remove all but one from the class path");
        }
        if (found.isEmpty()) {
            throw new CheckpointException(
                    source.name() + "/" + ModelSignature.FILE + ": expected a model of the families "
                            + names(families) + ", found " + signature
                            + "; add the module of its family to the class path, or convert the model (docs/checkpoint-format.md)");
        }
        return found.get(0).open(source, options);
    }

    private static String names(List<ModelFamily> families) {
        return families.isEmpty()
                ? "(none on the class path)"
                : families.stream().map(ModelFamily::name).collect(Collectors.joining(", "));
    }
}
