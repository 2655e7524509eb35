package io.lingen;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A video that was made, with all that it can be made again from.
 *
 * @param video the file
 * @param sidecar the JSON file with provenance, machine and times; null if none was written
 * @param plan the request and what the model made of it
 * @param provenance what the video can be made again from; it is in its comment tag
 * @param device the backend's description of itself
 * @param times how long the stages took
 */
public record VideoResult(
        Path video,
        @Nullable Path sidecar,
        VideoPlan plan,
        VideoProvenance provenance,
        String device,
        StageTimes times) {
    /** The fields of a sidecar, as JSON in one line. */
    public String toJson() {
        return MetadataSidecar.line(this);
    }
}
