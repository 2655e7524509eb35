package io.lingen.cli;

import io.lingen.LatentFile;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options about saved latents. */
final class LatentOptions {
    @Option(
            names = "--resume",
            paramLabel = "FILE",
            description = "Goes on with an interrupted video: its " + LatentFile.ENDING
                    + ", or the name it was to have. The request is in there.")
    private @Nullable Path resumed;

    @Option(
            names = "--from-latents",
            paramLabel = "FILE",
            description = "Decodes saved latents as they are, unfinished ones too, with any model's decoder.")
    private @Nullable Path decoded;

    @Option(
            names = "--save-every",
            paramLabel = "N",
            description = "Saves the latents every N steps; 0: before decoding only (default: "
                    + LatentFile.DEFAULT_STEPS + ").")
    private int saveEvery = LatentFile.DEFAULT_STEPS;

    @Option(names = "--keep-latents", description = "Keeps the saved latents when the video is whole.")
    private boolean keep;

    /** Whether a video is to be made of saved latents. */
    boolean areGiven() {
        return resumed != null || decoded != null;
    }

    @Nullable
    Path resumed() {
        return resumed;
    }

    @Nullable
    Path decoded() {
        return decoded;
    }

    int saveEvery() {
        return saveEvery;
    }

    boolean keep() {
        return keep;
    }

    /** @throws IllegalArgumentException if a value can't be */
    void check() {
        if (saveEvery < 0) {
            throw new IllegalArgumentException(
                    "--save-every is a number of steps, or 0 for before decoding only, found " + saveEvery);
        }
    }
}
