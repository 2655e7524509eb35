package io.lingen.core.checkpoint;

import io.lingen.core.internal.SafeText;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.net.URL;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The files of a model, in a folder or in a jar resource of the same layout. Paths are relative, with '/' as the separator, and cannot
 * leave the model, whether they come from a request or from a file of the model. Thread-safe.
 *
 * <p>Symbolic links are followed to any target, since download caches consist of them. This allows no additional attack: who can write
 * links into a model folder can write weights as well.
 */
public abstract sealed class ModelSource implements AutoCloseable permits FolderSource, ResourceSource, OverlaySource {
    /** The file names of weights: those of this project and of transformers, and those of diffusers. */
    private static final List<String> TENSORS = List.of("/model.safetensors", "/diffusion_pytorch_model.safetensors");

    private static final String SAFETENSORS = ".safetensors";
    private static final String INDEX = ".index.json";
    private static final int MAX_NAMED = 3;

    private static final long MAX_CONFIG_BYTES = 1 << 20;

    ModelSource() {}

    /**
     * {@return a model in a folder}
     *
     * @param folder contains model_index.json
     * @throws CheckpointException if it is not a folder
     */
    public static ModelSource of(Path folder) {
        return new FolderSource(folder);
    }

    /**
     * {@return a model among the resources of a class loader}
     *
     * @param loader the class loader
     * @param base the resource that corresponds to the model folder, for example "io/lingen/nano"
     */
    public static ModelSource ofResource(ClassLoader loader, String base) {
        return new ResourceSource(loader, base);
    }

    /**
     * {@return this model with files added or replaced by files from elsewhere} Closing it closes this model.
     *
     * @param files the files, by their paths within the model
     */
    public ModelSource overlay(Map<String, Path> files) {
        return files.isEmpty() ? this : new OverlaySource(this, files);
    }

    /**
     * {@return whether a file comes from elsewhere, by an {@link #overlay}}
     *
     * @param path the path within the model
     */
    public boolean isOverlaid(String path) {
        return false;
    }

    /** {@return the name of the model for messages and results: the last part of its path} */
    public abstract String name();

    /**
     * {@return whether a file exists}
     *
     * @param path the path within the model
     */
    public abstract boolean exists(String path);

    /**
     * {@return the contents of a file}
     *
     * @param path the path within the model
     * @throws CheckpointException if the file is missing, unreadable or larger than a Java array
     */
    public byte[] read(String path) {
        return read(path, PlainFile.MAX_BYTES);
    }

    /**
     * {@return the contents of a file of limited size}
     *
     * @param path the path within the model
     * @param maxBytes the largest allowed size
     * @throws CheckpointException if the file is missing, unreadable or larger
     */
    public abstract byte[] read(String path, long maxBytes);

    /**
     * {@return a reader of a configuration file}
     *
     * @param path the path within the model
     * @throws CheckpointException if the file is missing, unreadable, larger than 1 MiB or not a JSON object
     */
    public ConfigReader config(String path) {
        return ConfigReader.parse(name() + "/" + path, read(path, MAX_CONFIG_BYTES));
    }

    /** {@return a stream of the bytes of a file} */
    abstract InputStream stream(String path) throws IOException;

    /**
     * {@return the URL of a file, for libraries that read it themselves}
     *
     * @param path the path within the model
     * @throws CheckpointException if the file is missing
     */
    public abstract URL url(String path);

    /**
     * {@return the contents of a file, mapped if it is a regular file, otherwise read into memory outside the heap}
     *
     * @param path the path within the model
     * @throws CheckpointException if the file is missing or unreadable
     */
    public abstract MemorySegment memory(String path);

    /**
     * Opens a safetensors file, or an index and its shards.
     *
     * @param path the path within the model
     * @return the tensors
     * @throws CheckpointException if a file is missing or ill-formed
     */
    public abstract SafetensorsFile open(String path);

    /**
     * Opens the tensors of a component: {@code model.safetensors} or {@code diffusion_pytorch_model.safetensors} in its folder, or an index
     * of shards, the same name followed by {@code .index.json}. Regular files are mapped, others are read into memory outside the heap.
     *
     * @param component the folder within the model, for example "transformer"
     * @return the tensors
     * @throws CheckpointException if both files are missing or the one found is ill-formed
     */
    public SafetensorsFile tensors(String component) {
        String path = tensorsPath(component);
        if (path == null) {
            throw noTensors(component);
        }
        return open(path);
    }

    /**
     * {@return the paths of the files that {@link #tensors} reads: the safetensors file, or the index and its shards}
     *
     * @param component the folder within the model, for example "transformer"
     * @throws CheckpointException if both files are missing or the index is ill-formed
     */
    public List<String> tensorFiles(String component) {
        String path = tensorsPath(component);
        if (path == null) {
            throw noTensors(component);
        }
        return tensorFiles(component, path);
    }

    private List<String> tensorFiles(String component, String path) {
        List<String> files = new ArrayList<>(List.of(path));
        if (path.endsWith(INDEX)) {
            SafetensorsFile.shards(this + "/" + path, read(path, SafetensorsHeader.MAX_HEADER_BYTES))
                    .forEach(shard -> files.add(component + "/" + shard));
        }
        return List.copyOf(files);
    }

    /**
     * {@return the paths of {@link #tensorFiles} that do not exist; the folder followed by "/*.safetensors*" if it has no weights}
     *
     * @param component the folder within the model, for example "transformer"
     * @throws CheckpointException if there are only weights in a format that is not read, or if the index is ill-formed
     */
    public List<String> missingTensorFiles(String component) {
        String path = tensorsPath(component);
        return path == null
                ? List.of(component + "/*" + SAFETENSORS + "*")
                : tensorFiles(component, path).stream()
                        .filter(file -> !exists(file))
                        .toList();
    }

    /**
     * {@return this model for code that needs only the shapes and types of weights, such as a dry run} Files that can be mapped are mapped.
     * Of others only the header is read, and their tensors are without elements.
     */
    public ModelSource shapesOnly() {
        return this;
    }

    /**
     * {@return the path of a component's weights or of their index; null if there are none}
     *
     * @throws CheckpointException if there are only weights in a format that is not read
     */
    private @Nullable String tensorsPath(String component) {
        for (String path : tensorsPaths(component)) {
            if (exists(path)) {
                return path;
            }
        }
        for (String name : names(component)) {
            ForeignFile.refuseName(this + "/" + component + "/" + name, name);
        }
        return null;
    }

    private static List<String> tensorsPaths(String component) {
        List<String> paths = new ArrayList<>();
        for (String name : TENSORS) {
            paths.add(component + name);
            paths.add(component + name + INDEX);
        }
        return paths;
    }

    private CheckpointException noTensors(String component) {
        String others = names(component).stream()
                .filter(name -> name.endsWith(SAFETENSORS))
                .limit(MAX_NAMED)
                .map(SafeText::of)
                .collect(Collectors.joining(", "));
        return new CheckpointException(this + ": expected one of " + String.join(", ", tensorsPaths(component))
                + ", found "
                + (others.isEmpty() ? "none; check that the download is complete" : others + "; rename the file"));
    }

    /** {@return the names of the files in a folder of the model, sorted; empty if they can't be listed} */
    abstract List<String> names(String folder);

    /** Ends the use of the source. Its tensors stay valid. */
    @Override
    public void close() {}

    /**
     * {@return the path, after a check that it stays within the model}
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
