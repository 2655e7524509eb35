package io.lingen.internal.tokenizer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.checkpoint.ConfigReader;
import io.lingen.core.checkpoint.ForeignFile;
import io.lingen.core.internal.SafeText;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.lang.foreign.MemorySegment;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/**
 * The contents of a tokenizer.json. The tables of the model have up to a million rows and are streamed. The rest is small and read as a
 * {@link ConfigReader}, in which the tables are null.
 */
final class TokenizerFile {
    /** Twice the size of the largest published file. */
    static final int MAX_BYTES = 64 << 20;

    private static final int MAX_DEPTH = 16;
    private static final Set<String> UNUSED = Set.of("decoder", "truncation", "padding");
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxNumberLength(400)
                    .build())
            .build();

    private final VocabularyTable vocabulary;
    private final MergesTable merges;
    private final ConfigReader settings;

    private TokenizerFile(String origin, byte[] json) throws IOException {
        this.vocabulary = new VocabularyTable(origin);
        this.merges = new MergesTable(origin);
        this.settings = ConfigReader.parse(origin, readTables(origin, json));
    }

    /**
     * Reads a file.
     *
     * @param origin the name of the file, for messages
     * @throws CheckpointException if it is too large or not JSON, or if a table is malformed
     */
    static TokenizerFile read(String origin, byte[] json) {
        if (json.length > MAX_BYTES) {
            throw new CheckpointException(origin + ": expected at most " + MAX_BYTES + " bytes, found " + json.length);
        }
        ForeignFile.refuse(origin, "a tokenizer.json", "Get the JSON file again", MemorySegment.ofArray(json));
        try {
            return new TokenizerFile(origin, json);
        } catch (CharacterCodingException e) {
            throw new CheckpointException(origin + ": expected JSON in UTF-8, found bytes that are not UTF-8", e);
        } catch (JsonProcessingException e) {
            throw new CheckpointException(
                    origin + ": expected JSON, found " + SafeText.of(e.getOriginalMessage(), 200) + position(e), e);
        } catch (IOException e) {
            throw new CheckpointException(origin + ": expected a readable file, found " + e, e);
        }
    }

    private static String position(JsonProcessingException e) {
        return e.getLocation() == null
                ? ""
                : " at line " + e.getLocation().getLineNr() + ", column "
                        + e.getLocation().getColumnNr();
    }

    /** Reads the tables and returns the settings as JSON. */
    private byte[] readTables(String origin, byte[] json) throws IOException {
        // Decode here: Jackson would detect UTF-16 and UTF-32, and accepts some malformed UTF-8.
        Reader reader = new InputStreamReader(new ByteArrayInputStream(json), StandardCharsets.UTF_8.newDecoder());
        ByteArrayOutputStream small = new ByteArrayOutputStream();
        try (JsonParser parser = FACTORY.createParser(reader);
                JsonGenerator generator = FACTORY.createGenerator(small)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new CheckpointException(origin + ": expected a JSON object, found " + describe(parser));
            }
            copyObject(parser, generator, true);
            if (parser.nextToken() != null) {
                throw new CheckpointException(origin + ": expected one JSON object, found more after it");
            }
        }
        return small.toByteArray();
    }

    private void copyObject(JsonParser parser, JsonGenerator generator, boolean isRoot) throws IOException {
        generator.writeStartObject();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String field = parser.currentName();
            generator.writeFieldName(field);
            JsonToken value = parser.nextToken();
            if (isRoot && field.equals("model") && value == JsonToken.START_OBJECT) {
                copyObject(parser, generator, false);
            } else if (!isRoot && field.equals("vocab")) {
                vocabulary.read(parser);
                generator.writeNull();
            } else if (!isRoot && field.equals("merges")) {
                merges.read(parser);
                generator.writeNull();
            } else if (isRoot && UNUSED.contains(field)) {
                parser.skipChildren();
                generator.writeNull();
            } else {
                generator.copyCurrentStructure(parser);
            }
        }
        generator.writeEndObject();
    }

    /** The current value of a parser, for messages. */
    static String describe(JsonParser parser) throws IOException {
        JsonToken token = parser.currentToken();
        if (token == null) {
            return "nothing";
        }
        String text = SafeText.of(parser.getText());
        return token == JsonToken.VALUE_STRING ? '"' + text + '"' : text;
    }

    /** The vocabulary of the model. */
    VocabularyTable vocabulary() {
        return vocabulary;
    }

    /** The merges of the model. */
    MergesTable merges() {
        return merges;
    }

    /** Everything else. */
    ConfigReader settings() {
        return settings;
    }
}
