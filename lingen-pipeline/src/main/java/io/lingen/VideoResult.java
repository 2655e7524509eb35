package io.lingen;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The result of a generation: a complete video and its provenance. Immutable.
 *
 * @param video the video file or folder of frames
 * @param sidecar the JSON file with provenance, device and times; null if none was written
 * @param plan the completed request
 * @param provenance everything needed to make the video again; also stored in the video
 * @param device the backend's description of the device
 * @param times the wall-clock times of the stages
 */
public record VideoResult(
        Path video,
        @Nullable Path sidecar,
        VideoPlan plan,
        VideoProvenance provenance,
        String device,
        StageTimes times) {
    /** {@return the fields of the sidecar as one line of JSON} */
    public String toJson() {
        return MetadataSidecar.line(this);
    }
}
