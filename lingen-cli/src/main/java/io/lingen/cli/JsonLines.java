package io.lingen.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;

/** {@code --json}: a line a video on standard output, the JSON file beside it with its path, and how it went. */
final class JsonLines {
    /** How it went. */
    enum Status {
        MADE,
        SKIPPED,
        FAILED
    }

    private static final ObjectMapper mapper = new ObjectMapper();

    private final PrintWriter out;
    private final boolean wanted;

    JsonLines(PrintWriter out, boolean wanted) {
        this.out = out;
        this.wanted = wanted;
    }

    /** Writes the line of a video that is there. */
    void done(Status status, Path video, Path descriptionFile) throws IOException {
        if (wanted) {
            ObjectNode line = line(status, video).put("description", descriptionFile.toString());
            ((ObjectNode) mapper.readTree(Files.readAllBytes(descriptionFile)))
                    .properties()
                    .forEach(field -> line.putIfAbsent(field.getKey(), field.getValue()));
            print(line);
        }
    }

    /** Writes the line of a video that could not be made. */
    void failed(Path video, String error) throws IOException {
        if (wanted) {
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
