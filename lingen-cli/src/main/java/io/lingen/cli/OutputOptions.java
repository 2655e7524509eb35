package io.lingen.cli;

import io.lingen.VideoOutput;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that control which files are written beside a video and over which ones. */
final class OutputOptions {
    private static final String NONE = "none";

    @Option(
            names = "--sidecar",
            paramLabel = "FILE|none",
            description =
                    "The JSON file that records how the video was made (default: the name of the video with .json).")
    private @Nullable String sidecar;

    @Option(names = "--overwrite", description = "Replace a file that LinGen did not write.")
    private boolean overwrite;

    /**
     * Requires that the sidecar has no name of its own, for several videos.
     *
     * @throws IllegalArgumentException if it has
     */
    void checkForBatch() {
        if (sidecar != null && !sidecar.equals(NONE)) {
            throw new IllegalArgumentException(
                    "--sidecar must be none for several videos, found '" + sidecar + "'; or leave it out");
        }
    }

    /**
     * The output of a video.
     *
     * @throws IllegalArgumentException if the sidecar can't have the given name
     */
    VideoOutput of(Path video) {
        VideoOutput output = VideoOutput.of(video);
        if (sidecar != null) {
            output = sidecar.equals(NONE) ? output.withoutSidecar() : output.withSidecar(Path.of(sidecar));
        }
        return overwrite ? output.overwriting() : output;
    }
}
