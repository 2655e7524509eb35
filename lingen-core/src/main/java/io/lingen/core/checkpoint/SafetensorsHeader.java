package io.lingen.core.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.internal.SafeText;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The validated header of a safetensors file. The file consists of the header's length in eight bytes, the header in JSON, and the tensors'
 * bytes without gap or overlap (https://github.com/huggingface/safetensors, format).
 *
 * @param tensors by name, views of the file's memory
 * @param metadata the free text in {@code __metadata__}
 */
record SafetensorsHeader(Map<String, HostTensor> tensors, Map<String, String> metadata) {
    static final String METADATA = "__metadata__";

    /** A sixth of the format's limit: sufficient for 100,000 tensors, and small enough for the heap of any JVM. */
    static final long MAX_HEADER_BYTES = 16L << 20;

    private static final String FP8 = "F8_";

    /** The ends of the names of tensors that accompany weights of 8 bits: a scale for each, or one marker for all. */
    private static final List<String> FP8_COMPANIONS = List.of("scale_weight", "scaled_fp8");

    private static final int LENGTH_BYTES = 8;
    private static final ValueLayout.OfLong LENGTH = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private record Entry(String name, DType dtype, Shape shape, long begin, long end) {}

    static SafetensorsHeader read(String origin, MemorySegment file) {
        return read(origin, file, file.byteSize());
    }

    /**
     * Parses a file of which perhaps only the beginning is in memory.
     *
     * @param file the whole file, or only its header; then the tensors are without elements
     * @param fileBytes the size of the whole file
     */
    static SafetensorsHeader read(String origin, MemorySegment file, long fileBytes) {
        ForeignFile.refuseInPlaceOfSafetensors(origin, file);
        if (file.byteSize() < LENGTH_BYTES) {
            throw new CheckpointException(origin + ": expected a safetensors file of at least " + LENGTH_BYTES
                    + " bytes, found " + file.byteSize() + "; check that the file is complete");
        }
        long length = file.get(LENGTH, 0);
        long available = fileBytes - LENGTH_BYTES;
        if (length < 2 || length > Math.min(available, MAX_HEADER_BYTES)) {
            throw new CheckpointException(origin + ": expected a safetensors header of 2 to "
                    + Math.min(available, MAX_HEADER_BYTES) + " bytes, found a length of "
                    + Long.toUnsignedString(length) + "; check that it is a complete safetensors file");
        }
        byte[] json = file.asSlice(LENGTH_BYTES, length).toArray(ValueLayout.JAVA_BYTE);
        if (json[0] != '{') {
            throw new CheckpointException(origin + ": expected a safetensors header that begins with '{', found byte "
                    + (json[0] & 0xFF) + "; check that it is a safetensors file");
        }
        ObjectNode header = Json.object(origin, json);
        long dataBytes = available - length;
        List<Entry> entries = new ArrayList<>();
        Map<String, String> metadata = Map.of();
        for (Map.Entry<String, JsonNode> field : header.properties()) {
            if (field.getKey().equals(METADATA)) {
                metadata = metadata(origin, field.getValue());
            } else {
                entries.add(entry(origin, field.getKey(), field.getValue(), dataBytes));
            }
        }
        requireDense(origin, entries, dataBytes);
        Map<String, HostTensor> tensors = new LinkedHashMap<>();
        for (Entry entry : entries) {
            tensors.put(
                    entry.name,
                    file.byteSize() < fileBytes
                            ? HostTensor.withoutElements(entry.dtype, entry.shape)
                            : new HostTensor(
                                    entry.dtype,
                                    entry.shape,
                                    file.asSlice(LENGTH_BYTES + length + entry.begin, entry.end - entry.begin)));
        }
        return new SafetensorsHeader(tensors, metadata);
    }

    /** {@return the bytes from the start of a file to the end of its header, or fewer if the stream ends} */
    static byte[] head(InputStream stream) throws IOException {
        byte[] start = stream.readNBytes(LENGTH_BYTES);
        if (start.length < LENGTH_BYTES) {
            return start;
        }
        long length = MemorySegment.ofArray(start).get(LENGTH, 0);
        byte[] header = stream.readNBytes((int) Math.clamp(length, 0, MAX_HEADER_BYTES));
        byte[] head = Arrays.copyOf(start, LENGTH_BYTES + header.length);
        System.arraycopy(header, 0, head, LENGTH_BYTES, header.length);
        return head;
    }

    private static Map<String, String> metadata(String origin, JsonNode node) {
        if (!node.isObject()) {
            throw new CheckpointException(
                    origin + ": expected an object of strings in " + METADATA + ", found " + Json.describe(node));
        }
        Map<String, String> metadata = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> field : node.properties()) {
            if (!field.getValue().isTextual()) {
                throw new CheckpointException(origin + ": expected a string in " + METADATA + "."
                        + SafeText.of(field.getKey()) + ", found " + Json.describe(field.getValue()));
            }
            metadata.put(field.getKey(), field.getValue().textValue());
        }
        return metadata;
    }

    private static Entry entry(String origin, String name, JsonNode node, long dataBytes) {
        String where = origin + ": tensor '" + SafeText.of(name) + "'";
        if (node.path("dtype").asText().startsWith(FP8)
                || FP8_COMPANIONS.stream().anyMatch(name::endsWith)) {
            throw ForeignFile.scaledWeights(where);
        }
        if (!node.isObject() || node.size() != 3) {
            throw new CheckpointException(
                    where + ": expected dtype, shape and data_offsets, found " + Json.describe(node));
        }
        DType dtype = dtype(where, node.path("dtype"));
        Shape shape = shape(where, node.path("shape"));
        JsonNode offsets = node.path("data_offsets");
        if (!offsets.isArray()
                || offsets.size() != 2
                || !isSize(offsets.get(0))
                || !isSize(offsets.get(1))
                || offsets.get(0).longValue() > offsets.get(1).longValue()) {
            throw new CheckpointException(
                    where + ": expected data_offsets [begin, end], found " + Json.describe(offsets));
        }
        long begin = offsets.get(0).longValue();
        long end = offsets.get(1).longValue();
        if (end > dataBytes) {
            throw new CheckpointException(where + ": expected offsets within the file's " + dataBytes
                    + " bytes of data, found " + Json.describe(offsets) + "; check that the file is complete");
        }
        // Divide first, because the product overflows for a huge shape.
        if (shape.elements() > dataBytes / dtype.bytes() || shape.elements() * dtype.bytes() != end - begin) {
            throw new CheckpointException(where + ": expected the bytes of " + dtype + SafeText.of(shape.toString())
                    + ", found " + (end - begin) + " bytes at " + Json.describe(offsets));
        }
        return new Entry(name, dtype, shape, begin, end);
    }

    private static DType dtype(String where, JsonNode node) {
        for (DType dtype : DType.values()) {
            if (node.isTextual() && node.textValue().equals(dtype.name())) {
                return dtype;
            }
        }
        throw new CheckpointException(where + ": expected a dtype of " + List.of(DType.values()) + ", found "
                + Json.describe(node) + "; convert it to F32, F16 or BF16");
    }

    private static Shape shape(String where, JsonNode node) {
        if (!node.isArray()) {
            throw new CheckpointException(where + ": expected a shape, found " + Json.describe(node));
        }
        long[] lengths = new long[node.size()];
        for (int axis = 0; axis < lengths.length; axis++) {
            if (!isSize(node.get(axis))) {
                throw new CheckpointException(
                        where + ": expected a shape of lengths from 0 to 2^63 - 1, found " + Json.describe(node));
            }
            lengths[axis] = node.get(axis).longValue();
        }
        try {
            return Shape.of(lengths);
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(where + ": expected a possible shape, found " + Json.describe(node), e);
        }
    }

    private static boolean isSize(JsonNode node) {
        return node.isIntegralNumber() && node.canConvertToLong() && node.longValue() >= 0;
    }

    private static void requireDense(String origin, List<Entry> entries, long dataBytes) {
        List<Entry> sorted = new ArrayList<>(entries);
        sorted.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
        long next = 0;
        for (Entry entry : sorted) {
            if (entry.begin != next) {
                throw new CheckpointException(origin + ": tensor '" + SafeText.of(entry.name)
                        + "': expected its data at " + next + ", directly after the previous tensor, found it at "
                        + entry.begin
                        + (entry.begin < next ? ", an overlap" : ", a gap")
                        + "; the file is damaged: download it again");
            }
            next = entry.end;
        }
        if (next != dataBytes) {
            throw new CheckpointException(origin + ": expected the data to end with the last tensor's at " + next
                    + ", found " + (dataBytes - next) + " bytes more; the file is damaged: download it again");
        }
    }
}
