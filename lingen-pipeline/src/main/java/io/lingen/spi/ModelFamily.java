package io.lingen.spi;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;

/** A family of models: a layout of folders, and the networks in them. Found through {@link java.util.ServiceLoader}. Thread-safe. */
public interface ModelFamily {
    /** The family's name, for messages. */
    String name();

    /** Whether a folder of that signature is one of this family. At most one family recognises a signature. */
    boolean recognises(ModelSignature signature);

    /**
     * Opens a model: reads its index, but no weights.
     *
     * @param source a model of a signature that this family recognises, with the options applied; the caller keeps it open and closes it
     * @param options files that replace or change parts of the model
     * @return the model's description, bound to the source
     * @throws CheckpointException if the index is ill-formed
     * @throws IllegalArgumentException if the family does not support an option
     */
    ModelDescription open(ModelSource source, ModelOptions options);
}
