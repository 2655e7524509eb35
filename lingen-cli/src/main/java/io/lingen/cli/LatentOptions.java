package io.lingen.cli;

import io.lingen.Generation;
import io.lingen.LatentFile;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The options that control how latents are saved while a video is made. */
final class LatentOptions {
    @Option(
            names = "--save-every",
            paramLabel = "N",
            description =
                    "Save the latents, the state of the video, every N steps for 'lingen resume'; 0 saves only before decoding"
                            + " and after Ctrl-C (default: " + LatentFile.DEFAULT_STEPS + ").")
    private int saveEvery = LatentFile.DEFAULT_STEPS;

    @Option(
            names = "--keep-latents",
            description = "Keep the saved latents after the video is complete. By default they are deleted.")
    private boolean keep;

    /**
     * Checks the interval.
     *
     * @throws IllegalArgumentException if it is negative
     */
    void check() {
        if (saveEvery < 0) {
            throw new IllegalArgumentException("--save-every must be 0 or a positive number of steps, found "
                    + saveEvery + "; 0 saves before decoding only");
        }
    }

    /** Starts saving the latents of a video. */
    void saveLatents(Generation generation, Path video) throws IOException {
        generation.saveLatents(video, saveEvery, keep);
    }
}
