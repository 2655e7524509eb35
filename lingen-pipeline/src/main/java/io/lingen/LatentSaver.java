package io.lingen;

import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.internal.Disk;
import io.lingen.core.internal.PartialFile;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Saves the latents of one generation while it runs. Never replaces or deletes the latents of other videos. For one thread. */
final class LatentSaver {
    private static final Logger log = LoggerFactory.getLogger(LatentSaver.class);

    private final Path file;
    private final Path video;
    private final VideoProvenance provenance;
    private final Predicate<VideoProvenance> isSame;
    private final int everySteps;
    private final boolean keep;
    private volatile int savedStep;

    /**
     * Prepares saving. Existing latents of the same video are replaced only by those of a later step.
     *
     * @param from the latents from which the generation was resumed, in this file or another one; null if it started from noise
     * @throws FileAlreadyExistsException if the file exists and does not contain latents of the same video
     */
    LatentSaver(Path video, int everySteps, boolean keep, @Nullable LatentFile from, VideoProvenance provenance)
            throws FileAlreadyExistsException {
        if (everySteps < 0) {
            throw new IllegalArgumentException("number of steps between saves must be 0 or positive, found "
                    + everySteps + "; 0 saves before decoding only");
        }
        this.file = LatentFile.pathFor(video);
        this.video = video;
        this.provenance = provenance;
        this.everySteps = everySteps;
        this.keep = keep;
        boolean resumed = from != null
                && absolute(from.path()).equals(absolute(file))
                && from.output().equals(video.getFileName().toString());
        // Accept the provenance of the resumed latents too: an earlier version of LinGen may have recorded it.
        this.isSame = found -> found.equals(provenance) || resumed && found.equals(from.provenance());
        this.savedStep = resumed ? from.step() : stepOnDisk(video, provenance);
        PartialFile.removeAbandoned(file);
    }

    private static int stepOnDisk(Path video, VideoProvenance provenance) throws FileAlreadyExistsException {
        try {
            LatentFile saved = LatentFile.findMatching(video, provenance);
            return saved == null ? 0 : saved.step();
        } catch (CheckpointException e) {
            log.warn("saved latents can't be read and will be replaced: {}", e.getMessage());
            return 0;
        }
    }

    private static Path absolute(Path path) {
        return path.toAbsolutePath().normalize();
    }

    boolean isDue(int step, int steps) {
        return step > savedStep && (step == steps || everySteps > 0 && step % everySteps == 0);
    }

    /** The step of the latents on disk; 0 if there are none. */
    int savedStep() {
        return savedStep;
    }

    /** The file, or null if no latents are on disk. */
    @Nullable
    Path savedFile() {
        return savedStep > 0 ? file : null;
    }

    void save(int step, Supplier<HostTensor> latent, Supplier<Map<String, HostTensor>> samplerState) {
        try {
            // Check again: another run may have written the file meanwhile.
            VideoFiles.requireReplaceable(file, video, isSame);
            String output = video.getFileName().toString();
            LatentFile.write(file, latent.get(), samplerState.get(), step, output, provenance);
            savedStep = step;
        } catch (IOException | RuntimeException | OutOfMemoryError e) {
            // A failed checkpoint must not fail the video.
            log.warn("could not save the latents of step {}: {}", step, e.getMessage());
            log.debug("could not save the latents", e);
        }
    }

    /** Deletes the latents after the video and its sidecar are on disk. */
    void onVideoWritten() {
        if (keep || savedStep == 0) {
            return;
        }
        try {
            VideoFiles.requireReplaceable(file, video, isSame);
            Disk.remove(file);
        } catch (IOException e) {
            log.warn("could not delete the latents {} of the complete video: {}", file, e.getMessage());
        }
    }
}
