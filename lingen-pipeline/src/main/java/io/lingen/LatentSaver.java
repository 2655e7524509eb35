package io.lingen;

import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.internal.Disk;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps the latents of one generation on disk while it runs, and replaces or removes no others. For one thread. */
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
     * Existing latents of the same video count as saved: nothing replaces them that is less.
     *
     * @param from what the generation resumes from, this file or another one; null if it is at its beginning
     * @throws FileAlreadyExistsException if the latents of another video are in the way
     */
    LatentSaver(Path video, int everySteps, boolean keep, @Nullable LatentFile from, VideoProvenance provenance)
            throws FileAlreadyExistsException {
        if (everySteps < 0) {
            throw new IllegalArgumentException(
                    "latents are saved every 1 step or more, or with 0 before decoding only, found " + everySteps);
        }
        this.file = LatentFile.pathFor(video);
        this.video = video;
        this.provenance = provenance;
        this.everySteps = everySteps;
        this.keep = keep;
        boolean resumed = from != null
                && absolute(from.path()).equals(absolute(file))
                && from.output().equals(video.getFileName().toString());
        // An earlier version of LinGen may have described the video that is resumed.
        this.isSame = found -> found.equals(provenance) || resumed && found.equals(from.provenance());
        this.savedStep = resumed ? from.step() : stepOnDisk(video, provenance);
    }

    private static int stepOnDisk(Path video, VideoProvenance provenance) throws FileAlreadyExistsException {
        try {
            LatentFile saved = LatentFile.findMatching(video, provenance);
            return saved == null ? 0 : saved.step();
        } catch (CheckpointException e) {
            log.warn("the saved latents can't be read and will be replaced: {}", e.getMessage());
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

    void save(int step, Supplier<HostTensor> latent, Supplier<Map<String, HostTensor>> samplerState) {
        try {
            // Another run may have taken the name meanwhile.
            VideoFiles.requireReplaceable(file, video, isSame);
            String output = video.getFileName().toString();
            LatentFile.write(file, latent.get(), samplerState.get(), step, output, provenance);
            savedStep = step;
        } catch (IOException | RuntimeException | OutOfMemoryError e) {
            // A failed checkpoint must not fail the video.
            log.warn("the latents of step {} were not saved: {}", step, e.getMessage());
            log.debug("why latents were not saved", e);
        }
    }

    /** Removes the latents of a video that is on disk. */
    void onVideoWritten() {
        if (keep || savedStep == 0) {
            return;
        }
        try {
            VideoFiles.requireReplaceable(file, video, isSame);
            Disk.remove(file);
        } catch (IOException e) {
            log.warn("the video is complete, but its latents {} were not removed: {}", file, e.getMessage());
        }
    }
}
