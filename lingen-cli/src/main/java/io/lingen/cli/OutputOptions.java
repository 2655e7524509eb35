package io.lingen.cli;

import io.lingen.VideoOutput;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that select the sidecar of a video and the files that may be replaced. */
final class OutputOptions {
    private static final String NONE = "none";

    @Option(
            names = "--sidecar",
            paramLabel = "FILE|none",
            description =
                    "Name of the sidecar, the JSON file that records how the video was made; none writes no sidecar (default:"
                            + " the name of the video with .json).")
    private @Nullable String sidecar;

    @Option(
            names = "--overwrite",
            description =
                    "Replace existing files even if LinGen did not write them. By default such an output is rejected.")
    private boolean overwrite;

    /**
     * Checks the options of a batch, whose videos can't share a sidecar.
     *
     * @throws IllegalArgumentException if a sidecar is named
     */
    void checkForBatch() {
        if (sidecar != null && !sidecar.equals(NONE)) {
            throw new IllegalArgumentException(
                    "--sidecar must be none for several videos, found '" + sidecar + "'; omit it, or use none");
        }
    }

    /**
     * Returns the output of a video.
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
