package io.lingen.core.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lingen.core.internal.SafeText;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * A strict JSON reader: UTF-8 only, no duplicate names, limited nesting and size, nothing after the value. NaN and infinities are accepted,
 * since Python writes them.
 */
final class Json {
    /** Sufficient for all files of the checkpoint format. */
    private static final int MAX_DEPTH = 16;

    /** Sufficient for the header of 100,000 tensors. Bounds the memory of a parsed file. */
    private static final long MAX_TOKENS = 2_000_000;

    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_DEPTH)
                            .maxNumberLength(400)
                            .maxTokenCount(MAX_TOKENS)
                            .build())
                    .build())
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Json() {}

    /** {@return the members of a JSON object, in the order of the file} */
    static ObjectNode object(String origin, byte[] bytes) {
        ForeignFile.refuse(origin, "JSON", "Download the JSON file again", MemorySegment.ofArray(bytes));
        JsonNode node;
        try {
            // Decode here, because Jackson also accepts UTF-16 and UTF-32, and the formats require UTF-8.
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            node = MAPPER.readTree(text);
        } catch (CharacterCodingException e) {
            throw new CheckpointException(origin + ": expected JSON in UTF-8, found bytes that are not UTF-8", e);
        } catch (JsonProcessingException e) {
            throw new CheckpointException(
                    origin + ": expected JSON, found " + SafeText.of(e.getOriginalMessage(), 200) + position(e), e);
        }
        if (!node.isObject()) {
            throw new CheckpointException(origin + ": expected a JSON object, found " + describe(node));
        }
        return (ObjectNode) node;
    }

    /** {@return a map as JSON text in UTF-8} */
    static byte[] write(Map<String, ?> value) {
        try {
            return MAPPER.writeValueAsBytes(value);
        } catch (IOException e) {
            throw new IllegalArgumentException("map must be expressible in JSON, found " + e.getMessage(), e);
        }
    }

    /** {@return a value for a message, shortened if it is long} */
    static String describe(JsonNode node) {
        return node.isMissingNode() ? "nothing" : SafeText.of(node.toString());
    }

    private static String position(JsonProcessingException e) {
        return e.getLocation() == null
                ? ""
                : " at line " + e.getLocation().getLineNr() + ", column "
                        + e.getLocation().getColumnNr();
    }
}
