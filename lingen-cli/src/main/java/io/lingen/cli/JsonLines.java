package io.lingen.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;

/** {@code --json}: one line per video on standard output, with its status, its path and the content of its .json. */
final class JsonLines {
    /** The outcome for a video. */
    enum Status {
        MADE,
        SKIPPED,
        FAILED
    }

    private static final ObjectMapper mapper = new ObjectMapper();

    private final PrintWriter out;
    private final boolean enabled;

    JsonLines(PrintWriter out, boolean enabled) {
        this.out = out;
        this.enabled = enabled;
    }

    /** Writes the line of an existing video. */
    void done(Status status, Path video, Path descriptionFile) throws IOException {
        if (enabled) {
            ObjectNode line = line(status, video).put("description", descriptionFile.toString());
            ((ObjectNode) mapper.readTree(Files.readAllBytes(descriptionFile)))
                    .properties()
                    .forEach(field -> line.putIfAbsent(field.getKey(), field.getValue()));
            print(line);
        }
    }

    /** Writes the line of a failed video. */
    void failed(Path video, String error) throws IOException {
        if (enabled) {
            print(line(Status.FAILED, video).put("error", error));
        }
    }

    private static ObjectNode line(Status status, Path video) {
        return mapper.createObjectNode()
                .put("status", status.name().toLowerCase(java.util.Locale.ROOT))
                .put("video", video.toString());
    }

    private void print(ObjectNode line) throws IOException {
        out.println(mapper.writeValueAsString(line));
        out.flush();
    }
}
