package io.lingen.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lingen.VideoOutput;
import io.lingen.VideoProvenance;
import io.lingen.VideoResult;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The output of {@code --json}: one line per video on standard output, with its status, its path and the fields of its sidecar. */
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

    /** Writes the line of a new video. */
    void made(VideoResult result) throws IOException {
        done(Status.MADE, result.video(), result.sidecar(), result.toJson());
    }

    /** Writes the line of a skipped video, with the fields of its sidecar, or of its provenance if it has no sidecar. */
    void skipped(VideoOutput output, VideoProvenance provenance) throws IOException {
        Path sidecar = output.sidecar();
        done(
                Status.SKIPPED,
                output.video(),
                sidecar,
                sidecar == null ? provenance.toJson() : Files.readString(sidecar));
    }

    private void done(Status status, Path video, @Nullable Path sidecar, String record) throws IOException {
        if (enabled) {
            ObjectNode line = line(status, video);
            if (sidecar != null) {
                line.put("description", sidecar.toString());
            }
            ((ObjectNode) mapper.readTree(record))
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
