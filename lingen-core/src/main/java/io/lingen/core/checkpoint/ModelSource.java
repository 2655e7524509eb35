package io.lingen.core.checkpoint;

import java.nio.file.Path;

/**
 * Where a model's files come from: a folder, or a jar resource with the same layout. Paths are relative, their parts parted by '/', and
 * can't leave the model. Thread-safe.
 */
public abstract sealed class ModelSource implements AutoCloseable permits FolderSource, ResourceSource {
    private static final String TENSORS = "/model.safetensors";
    private static final String INDEX = TENSORS + ".index.json";

    ModelSource() {}

    /**
     * A model folder.
     *
     * @throws CheckpointException if it is not a folder
     */
    public static ModelSource of(Path folder) {
        return new FolderSource(folder);
    }

    /**
     * A model among the resources of a class loader.
     *
     * @param base the resource that plays the folder's part, for example "io/lingen/nano"
     */
    public static ModelSource ofResource(ClassLoader loader, String base) {
        return new ResourceSource(loader, base);
    }

    /** The model's name for messages and results: the last part of its path. */
    public abstract String name();

    /** Whether a file is there. */
    public abstract boolean exists(String path);

    /**
     * The bytes of a file.
     *
     * @throws CheckpointException if it is missing or unreadable
     */
    public abstract byte[] read(String path);

    /** A safetensors file or index that is known to be there. */
    abstract SafetensorsFile open(String path);

    /**
     * The tensors of a component: {@code component/model.safetensors} or {@code component/model.safetensors.index.json}. Its files are
     * mapped when they are plain files, else read into memory outside of the heap.
     *
     * @throws CheckpointException if neither is there, or what is there is ill-formed
     */
    public SafetensorsFile tensors(String component) {
        if (exists(component + TENSORS)) {
            return open(component + TENSORS);
        }
        if (exists(component + INDEX)) {
            return open(component + INDEX);
        }
        throw new CheckpointException(this + ": expected " + component + TENSORS + " or " + component + INDEX
                + ", found neither. Is the download complete?");
    }

    /** Ends the use of the source. Tensors that were handed out stay valid. */
    @Override
    public void close() {}

    /**
     * The path, if it stays inside the model.
     *
     * @throws CheckpointException if it does not
     */
    static String requireInside(String path) {
        for (String part : path.split("/", -1)) {
            if (part.isEmpty()
                    || part.equals(".")
                    || part.equals("..")
                    || part.indexOf('\\') >= 0
                    || part.indexOf(':') >= 0
                    || part.indexOf('\0') >= 0) {
                throw new CheckpointException("expected a relative path inside the model, for example "
                        + "\"transformer/config.json\", found \"" + Json.shortened(path) + '"');
            }
        }
        return path;
    }
}
