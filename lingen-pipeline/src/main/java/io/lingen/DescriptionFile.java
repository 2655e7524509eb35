package io.lingen;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lingen.core.internal.PartialFile;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;

/** The JSON file beside a video: its description and how it went. */
final class DescriptionFile {
    private static final ObjectMapper mapper = new ObjectMapper();

    private DescriptionFile() {}

    /**
     * Writes the file, whole or not at all.
     *
     * @param device the backend's description of itself
     */
    static void write(VideoResult result, String device) throws IOException {
        ObjectNode root = mapper.createObjectNode()
                .put("video", result.video().getFileName().toString());
        root.setAll((ObjectNode) mapper.readTree(result.description().toJson()));
        root.put("seconds", result.plan().seconds());
        root.put("java", Runtime.version().toString());
        root.put("device", device);
        StageTimes times = result.times();
        root.set(
                "times_s",
                mapper.createObjectNode()
                        .put("load", seconds(times.load()))
                        .put("encode", seconds(times.encode()))
                        .put("denoise", seconds(times.denoise()))
                        .put("decode_and_write", seconds(times.write()))
                        .put("total", seconds(times.total())));
        try (PartialFile file = PartialFile.of(result.descriptionFile())) {
            Files.writeString(
                    file.path(),
                    mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root) + System.lineSeparator());
            file.commit();
        }
    }

    private static double seconds(Duration duration) {
        return duration.toMillis() / 1000.0;
    }
}
