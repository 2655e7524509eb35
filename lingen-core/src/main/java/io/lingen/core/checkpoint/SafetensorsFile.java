package io.lingen.core.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import io.lingen.core.HostTensor;
import io.lingen.core.internal.SafeText;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * The tensors of a safetensors file, or of all shards of an index, without a copy: files are memory-mapped.
 *
 * <p>A mapping lasts as long as a host tensor of it is reachable, so closing this object cannot invalidate weights that are packed later or
 * by another thread. Thread-safe.
 */
public final class SafetensorsFile implements NamedTensors, AutoCloseable {
    private static final String INDEX_SUFFIX = ".index.json";

    private final String origin;
    private final Map<String, HostTensor> tensors;
    private final Map<String, String> metadata;
    private volatile boolean closed;

    private SafetensorsFile(String origin, Map<String, HostTensor> tensors, Map<String, String> metadata) {
        this.origin = origin;
        this.tensors = tensors;
        this.metadata = Collections.unmodifiableMap(metadata);
    }

    /**
     * Maps a file, or the shards of an index (a name that ends in {@code .index.json}). Shards are in the folder of their index.
     *
     * @param fileOrIndex the path
     * @return the tensors
     * @throws CheckpointException if a file is missing, unreadable or ill-formed
     */
    public static SafetensorsFile open(Path fileOrIndex) {
        String name = PlainFile.shown(fileOrIndex);
        if (!fileOrIndex.toString().endsWith(INDEX_SUFFIX)) {
            return of(name, PlainFile.map(fileOrIndex));
        }
        Path folder = fileOrIndex.toAbsolutePath().getParent();
        return ofIndex(name, PlainFile.read(fileOrIndex, SafetensorsHeader.MAX_HEADER_BYTES), shard -> {
            Path file = PlainFile.in(folder, shard);
            return of(PlainFile.shown(file), PlainFile.map(file));
        });
    }

    /**
     * Parses a file in memory.
     *
     * @param origin the name of the file, for messages
     * @param file the contents, which must not change
     * @return the tensors, which share the memory
     * @throws CheckpointException if the file is ill-formed
     */
    public static SafetensorsFile of(String origin, MemorySegment file) {
        return of(origin, file, file.byteSize());
    }

    /** Parses a file of which perhaps only the header is in memory; then its tensors are without elements. */
    static SafetensorsFile of(String origin, MemorySegment file, long fileBytes) {
        SafetensorsHeader header = SafetensorsHeader.read(origin, file, fileBytes);
        return new SafetensorsFile(origin, new TreeMap<>(header.tensors()), header.metadata());
    }

    /** Joins the shards of an index. */
    static SafetensorsFile ofIndex(String origin, byte[] index, Function<String, SafetensorsFile> shards) {
        JsonNode weightMap = weightMap(origin, index);
        Map<String, SafetensorsFile> files = new LinkedHashMap<>();
        Map<String, HostTensor> tensors = new TreeMap<>();
        Map<String, String> metadata = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> entry : weightMap.properties()) {
            String shard = shardName(origin, entry.getKey(), entry.getValue());
            SafetensorsFile file = files.get(shard);
            if (file == null) {
                file = shards.apply(shard);
                files.put(shard, file);
                metadata.putAll(file.metadata);
            }
            HostTensor tensor = file.tensors.get(entry.getKey());
            if (tensor == null) {
                throw new CheckpointException(origin + ": expected tensor '" + SafeText.of(entry.getKey()) + "' in "
                        + shard + ", found no such tensor there; use the index and the shards of one checkpoint");
            }
            tensors.put(entry.getKey(), tensor);
        }
        for (Map.Entry<String, SafetensorsFile> file : files.entrySet()) {
            for (String name : file.getValue().tensors.keySet()) {
                JsonNode owner = weightMap.path(name);
                if (!owner.asText().equals(file.getKey())) {
                    throw new CheckpointException(
                            origin + ": expected tensor '" + SafeText.of(name) + "' to be listed for "
                                    + file.getKey() + ", which contains it, found " + Json.describe(owner)
                                    + "; use the index and the shards of one checkpoint");
                }
            }
        }
        return new SafetensorsFile(origin, tensors, metadata);
    }

    /** {@return the files of an index, sorted} */
    static Set<String> shards(String origin, byte[] index) {
        Set<String> shards = new TreeSet<>();
        weightMap(origin, index)
                .properties()
                .forEach(entry -> shards.add(shardName(origin, entry.getKey(), entry.getValue())));
        return shards;
    }

    private static JsonNode weightMap(String origin, byte[] index) {
        JsonNode weightMap = Json.object(origin, index).path("weight_map");
        if (!weightMap.isObject() || weightMap.isEmpty()) {
            throw new CheckpointException(
                    origin + ": expected a 'weight_map' of tensor names to files, found " + Json.describe(weightMap));
        }
        return weightMap;
    }

    /**
     * {@return the names of all tensors, sorted}
     *
     * @throws IllegalStateException if this object is closed
     */
    @Override
    public Set<String> names() {
        requireOpen();
        return Collections.unmodifiableSet(tensors.keySet());
    }

    /**
     * {@return a tensor, sharing the memory of the file}
     *
     * @param name the name of the tensor
     * @throws CheckpointException if there is no tensor of that name
     * @throws IllegalStateException if this object is closed
     */
    @Override
    public HostTensor tensor(String name) {
        requireOpen();
        HostTensor tensor = tensors.get(name);
        if (tensor == null) {
            throw new CheckpointException(
                    origin + ": expected a tensor '" + name + "', found none of that name among " + tensors.size());
        }
        return tensor;
    }

    /** {@return the metadata of the file, or of all shards together} */
    public Map<String, String> metadata() {
        return metadata;
    }

    /** Ends the use of this object. Its tensors stay valid. */
    @Override
    public void close() {
        closed = true;
    }

    /** {@return the name of the file} */
    @Override
    public String toString() {
        return origin;
    }

    private static String shardName(String origin, String tensor, JsonNode node) {
        String name = node.isTextual() ? node.textValue() : "";
        if (name.isEmpty()
                || name.equals(".")
                || name.equals("..")
                || name.indexOf('/') >= 0
                || name.indexOf('\\') >= 0
                || name.indexOf(':') >= 0
                || name.indexOf('\0') >= 0) {
            throw new CheckpointException(origin + ": expected the plain name of a file next to the index for tensor '"
                    + SafeText.of(tensor) + "', found " + Json.describe(node));
        }
        return name;
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException(origin + " is closed");
        }
    }
}
