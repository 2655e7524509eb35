package io.lingen.core.checkpoint;

import io.lingen.core.internal.SafeText;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Where a model's files come from: a folder, or a jar resource with the same layout. Paths are relative, their parts parted by '/', and
 * can't leave the model: neither a request nor a file of the model can name one outside of it. Links are followed wherever they lead, since
 * download caches consist of them; who may write links into a model folder may write weights as well. Thread-safe.
 */
public abstract sealed class ModelSource implements AutoCloseable permits FolderSource, ResourceSource {
    private static final String TENSORS = "/model.safetensors";
    private static final long MAX_CONFIG_BYTES = 1 << 20;
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
     * @throws CheckpointException if it is missing, unreadable or larger than a Java array
     */
    public byte[] read(String path) {
        return read(path, PlainFile.MAX_BYTES);
    }

    /**
     * The bytes of a file that has no more than the given number of them.
     *
     * @throws CheckpointException if it is missing, unreadable or larger
     */
    public abstract byte[] read(String path, long maxBytes);

    /**
     * A configuration file, to be read into a record.
     *
     * @throws CheckpointException if it is missing, unreadable, larger than a configuration can be, or not a JSON object
     */
    public ConfigReader config(String path) {
        return ConfigReader.parse(name() + "/" + path, read(path, MAX_CONFIG_BYTES));
    }

    /** A file's bytes as they are read. */
    abstract InputStream stream(String path) throws IOException;

    /**
     * Where a file is, for libraries that read it themselves.
     *
     * @throws CheckpointException if it is missing
     */
    public abstract URL url(String path);

    /** A safetensors file or index that is known to be there. */
    abstract SafetensorsFile open(String path);

    /**
     * The tensors of a component: {@code component/model.safetensors} or {@code component/model.safetensors.index.json}. Its files are
     * mapped when they are plain files, else read into memory outside of the heap.
     *
     * @throws CheckpointException if neither is there, or what is there is ill-formed
     */
    public SafetensorsFile tensors(String component) {
        return open(tensorsPath(component));
    }

    /**
     * The paths of the files that {@link #tensors} reads: the safetensors file, or the index and its shards.
     *
     * @throws CheckpointException if neither is there, or the index is ill-formed
     */
    public List<String> tensorFiles(String component) {
        String path = tensorsPath(component);
        List<String> files = new ArrayList<>(List.of(path));
        if (path.endsWith(INDEX)) {
            SafetensorsFile.shards(this + "/" + path, read(path, SafetensorsHeader.MAX_HEADER_BYTES))
                    .forEach(shard -> files.add(component + "/" + shard));
        }
        return List.copyOf(files);
    }

    /**
     * The same model for what asks for the shapes and types of its weights alone: they are mapped or, where they can't be, not read, and
     * their elements are not at hand.
     */
    public ModelSource shapesOnly() {
        return this;
    }

    private String tensorsPath(String component) {
        if (exists(component + TENSORS)) {
            return component + TENSORS;
        }
        if (exists(component + INDEX)) {
            return component + INDEX;
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
                        + "\"transformer/config.json\", found \"" + SafeText.of(path) + '"');
            }
        }
        return path;
    }
}
