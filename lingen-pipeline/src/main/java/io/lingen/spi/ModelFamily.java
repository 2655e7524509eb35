package io.lingen.spi;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ModelSource;

/** A group of models with one folder layout and the same kinds of networks. Found through {@link java.util.ServiceLoader}. Thread-safe. */
public interface ModelFamily {
    /** {@return the name of the family, for messages} */
    String name();

    /**
     * {@return whether a model with this signature belongs to the family} A signature must be recognized by at most one family.
     *
     * @param signature the signature of the model
     */
    boolean recognizes(ModelSignature signature);

    /**
     * Opens a model. Reads its index, but no weights.
     *
     * @param source a model whose signature this family recognizes, with the options applied; the caller keeps it open while the result is in
     *     use, and closes it
     * @param options files that replace or change components of the model
     * @return the description of the model
     * @throws CheckpointException if the index is malformed
     * @throws IllegalArgumentException if the family does not support an option
     */
    ModelDescription open(ModelSource source, ModelOptions options);
}
