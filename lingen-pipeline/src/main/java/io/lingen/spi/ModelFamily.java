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
     * Opens a model: reads its index, and no weight.
     *
     * @param source whose signature this family recognises; stays the caller's, who keeps it open
     * @throws CheckpointException if the index is ill-formed
     */
    ModelDescription open(ModelSource source);
}
