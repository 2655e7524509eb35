package io.lingen;

import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps the latents of one generation on disk while it runs. For one thread. */
final class LatentSaver {
    private static final Logger log = LoggerFactory.getLogger(LatentSaver.class);

    private final Path file;
    private final String output;
    private final int everySteps;
    private final boolean keep;
    private volatile int savedStep;

    /**
     * A file that is there already, of the very same video, counts as saved: nothing replaces it that is less.
     *
     * @param from what the generation goes on from, this file or another one; null if it is at its beginning
     */
    LatentSaver(Path video, int everySteps, boolean keep, @Nullable LatentFile from, VideoDescription description) {
        if (everySteps < 0) {
            throw new IllegalArgumentException(
                    "latents are saved every 1 step or more, or with 0 before decoding only, found " + everySteps);
        }
        this.file = LatentFile.besides(video);
        this.output = video.getFileName().toString();
        this.everySteps = everySteps;
        this.keep = keep;
        this.savedStep = from != null && absolute(from.path()).equals(absolute(file))
                ? from.step()
                : stepOnDisk(file, description);
    }

    private static int stepOnDisk(Path file, VideoDescription description) {
        if (!Files.isRegularFile(file)) {
            return 0;
        }
        try {
            LatentFile saved = LatentFile.read(file);
            return saved.description().equals(description) ? saved.step() : 0;
        } catch (CheckpointException e) {
            return 0;
        }
    }

    private static Path absolute(Path path) {
        return path.toAbsolutePath().normalize();
    }

    boolean isDue(int step, int steps) {
        return step > savedStep && (step == steps || everySteps > 0 && step % everySteps == 0);
    }

    /** The last step whose latents are on disk; 0 if none are. */
    int savedStep() {
        return savedStep;
    }

    /** The file, or null if nothing was saved. */
    @Nullable
    Path savedFile() {
        return savedStep > 0 ? file : null;
    }

    void save(
            int step,
            Supplier<HostTensor> latent,
            Supplier<Map<String, HostTensor>> samplerState,
            Supplier<VideoDescription> description) {
        try {
            LatentFile.write(file, latent.get(), samplerState.get(), step, output, description.get());
            savedStep = step;
        } catch (RuntimeException | OutOfMemoryError e) {
            // A video is worth more than its safety copy.
            log.warn("the latents of step {} were not saved: {}", step, e.getMessage());
            log.debug("why latents were not saved", e);
        }
    }

    void videoIsWhole() {
        if (keep || savedStep == 0) {
            return;
        }
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            log.warn("the video is whole, but its latents {} were not removed: {}", file, e.getMessage());
        }
    }
}
