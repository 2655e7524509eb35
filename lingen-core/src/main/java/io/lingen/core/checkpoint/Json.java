package io.lingen.core.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
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

/** JSON as strict as it comes: UTF-8, no duplicate names, little nesting, nothing after the value. */
final class Json {
    /** Deep enough for every file that is read here. */
    private static final int MAX_DEPTH = 16;

    /** Enough for the header of 100,000 tensors; what a parsed file takes in memory is bounded by it. */
    private static final long MAX_TOKENS = 2_000_000;

    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_DEPTH)
                            .maxNumberLength(400)
                            .maxTokenCount(MAX_TOKENS)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Json() {}

    /** The members of a JSON object, in the file's order. */
    static ObjectNode object(String origin, byte[] bytes) {
        ForeignFile.refuse(origin, "JSON", "Get the JSON file again", MemorySegment.ofArray(bytes));
        JsonNode node;
        try {
            // Jackson would guess UTF-16 and UTF-32 and read them; the formats here are UTF-8.
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

    /** A map as JSON text in UTF-8. */
    static byte[] write(Map<String, ?> value) {
        try {
            return MAPPER.writeValueAsBytes(value);
        } catch (IOException e) {
            throw new IllegalArgumentException("not expressible in JSON", e);
        }
    }

    /** A value for a message: shortened if long. */
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
