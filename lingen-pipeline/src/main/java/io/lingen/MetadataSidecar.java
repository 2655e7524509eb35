package io.lingen;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lingen.core.internal.PartialFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** Reads and writes the sidecar of a video: a JSON file with its provenance, the device and the times. */
final class MetadataSidecar {
    /** The extension of sidecars. */
    static final String ENDING = ".json";

    private static final String VIDEO = "video";
    private static final int MAX_BYTES = 1 << 21;
    private static final ObjectMapper mapper = new ObjectMapper();

    private MetadataSidecar() {}

    /** Writes the sidecar of a video. It appears under its name when it is complete. */
    static void write(Path file, VideoResult result) throws IOException {
        try (PartialFile partial = PartialFile.of(file)) {
            Files.writeString(
                    partial.path(),
                    mapper.writerWithDefaultPrettyPrinter().writeValueAsString(json(result)) + System.lineSeparator());
            partial.commit();
        }
    }

    /** The fields of the sidecar as one line of JSON. */
    static String line(VideoResult result) {
        try {
            return mapper.writeValueAsString(json(result));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private static ObjectNode json(VideoResult result) throws JsonProcessingException {
        ObjectNode root = mapper.createObjectNode()
                .put(VIDEO, result.video().getFileName().toString());
        root.setAll((ObjectNode) mapper.readTree(result.provenance().toJson()));
        root.put("seconds", result.plan().seconds());
        root.put("java", Runtime.version().toString());
        root.put("device", result.device());
        StageTimes times = result.times();
        root.set(
                "times_s",
                mapper.createObjectNode()
                        .put("load", seconds(times.load()))
                        .put("encode", seconds(times.encode()))
                        .put("denoise", seconds(times.denoise()))
                        .put("decode_and_write", seconds(times.write()))
                        .put("total", seconds(times.total())));
        return root;
    }

    private static double seconds(Duration duration) {
        return duration.toMillis() / 1000.0;
    }

    /** Whether a file is the sidecar of a video, that is, contains provenance and the name of the video. */
    static boolean isOf(Path file, Path video) {
        if (!Files.isRegularFile(file)) {
            return false;
        }
        try (InputStream stream = Files.newInputStream(file)) {
            byte[] text = stream.readNBytes(MAX_BYTES);
            return text.length < MAX_BYTES
                    && VideoFiles.isProvenance(text)
                    && video.getFileName().toString().equals(recordedVideo(text));
        } catch (IOException e) {
            return false;
        }
    }

    private static String recordedVideo(byte[] text) throws IOException {
        JsonNode root = mapper.readTree(text);
        return root.path(VIDEO).asText();
    }
}
