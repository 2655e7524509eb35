package io.lingen.internal.onnx;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.internal.SafeText;
import java.lang.foreign.MemorySegment;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The files that hold tensors of an ONNX model outside its .onnx file (https://onnx.ai/onnx/repo-docs/ExternalData.html). ONNX Runtime reads
 * them whenever a tensor refers to one, so they belong to the model.
 */
final class ExternalData {
    /** The largest message of Protocol Buffers. */
    private static final long MAX_BYTES = Integer.MAX_VALUE;

    /** The deepest nesting that Protocol Buffers reads. */
    private static final int MAX_DEPTH = 100;

    /** The character that replaces bytes that are not UTF-8. */
    private static final char UNDECODABLE = '\uFFFD';

    private static final int MAX_NAME = 255;
    private static final int KEY = 1;
    private static final int VALUE = 2;

    /** The messages of a model that contain tensors, with the field numbers of onnx.proto. */
    private enum Message {
        MODEL,
        TRAINING_INFO,
        FUNCTION,
        GRAPH,
        NODE,
        ATTRIBUTE,
        SPARSE_TENSOR,
        TENSOR,
        EXTERNAL_DATA;

        /** The message in a field of this one; null if the field contains no tensors. */
        private @Nullable Message in(int field) {
            return switch (this) {
                case MODEL ->
                    switch (field) {
                        case 7 -> GRAPH;
                        case 20 -> TRAINING_INFO;
                        case 25 -> FUNCTION;
                        default -> null;
                    };
                case TRAINING_INFO -> field == 1 || field == 2 ? GRAPH : null;
                case FUNCTION ->
                    switch (field) {
                        case 7 -> NODE;
                        case 11 -> ATTRIBUTE;
                        default -> null;
                    };
                case GRAPH ->
                    switch (field) {
                        case 1 -> NODE;
                        case 5 -> TENSOR;
                        case 15 -> SPARSE_TENSOR;
                        default -> null;
                    };
                case NODE -> field == 5 ? ATTRIBUTE : null;
                case ATTRIBUTE ->
                    switch (field) {
                        case 5, 10 -> TENSOR;
                        case 6, 11 -> GRAPH;
                        case 22, 23 -> SPARSE_TENSOR;
                        default -> null;
                    };
                case SPARSE_TENSOR -> field == 1 || field == 2 ? TENSOR : null;
                case TENSOR -> field == 13 ? EXTERNAL_DATA : null;
                case EXTERNAL_DATA -> null;
            };
        }
    }

    private final String origin;
    private final SortedSet<String> files = new TreeSet<>();

    private ExternalData(String origin) {
        this.origin = origin;
    }

    /**
     * {@return the names of the files, which are in the folder of the .onnx file}
     *
     * @param origin the name of the .onnx file, for messages
     * @param onnx its contents
     * @throws CheckpointException if it is malformed, too large or nested too deeply, or if a file is not in its folder
     */
    static SortedSet<String> files(String origin, MemorySegment onnx) {
        if (onnx.byteSize() > MAX_BYTES) {
            throw new CheckpointException(origin + ": expected an ONNX model of at most " + MAX_BYTES
                    + " bytes, found " + onnx.byteSize()
                    + "; export it with external data: onnx.save_model(model, FILE, save_as_external_data=True)");
        }
        ExternalData data = new ExternalData(origin);
        data.collect(Message.MODEL, new ProtobufReader(origin, onnx), 0);
        return data.files;
    }

    private void collect(Message message, ProtobufReader reader, int depth) {
        if (depth > MAX_DEPTH) {
            throw new CheckpointException(origin + ": expected an ONNX model of at most " + MAX_DEPTH
                    + " nested messages, found more; the file is damaged: download or export it again");
        }
        if (message == Message.EXTERNAL_DATA) {
            add(reader);
            return;
        }
        while (reader.next()) {
            Message inner = message.in(reader.field());
            if (inner != null && reader.hasLength()) {
                collect(inner, reader.message(), depth + 1);
            }
        }
    }

    /** Adds the file of an entry with the key "location". As in Protocol Buffers, the last value of a repeated field is used. */
    private void add(ProtobufReader entry) {
        String key = "";
        String value = "";
        while (entry.next()) {
            if (entry.hasLength() && entry.field() == KEY) {
                key = entry.text();
            } else if (entry.hasLength() && entry.field() == VALUE) {
                value = entry.text();
            }
        }
        if (!key.equals("location")) {
            return;
        }
        if (!isPlainName(value)) {
            throw new CheckpointException(origin + ": expected external data in the folder of the model, found \""
                    + SafeText.of(value) + "\"; export the model again, with its data next to it");
        }
        files.add(value);
    }

    private static boolean isPlainName(String name) {
        return !name.isBlank()
                && name.length() <= MAX_NAME
                && !name.equals(".")
                && !name.equals("..")
                && name.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || c == '\0' || c == UNDECODABLE);
    }
}
