package io.lingen;

import io.lingen.core.internal.Disk;
import io.lingen.core.internal.PartialFile;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where a video is written: the file, its sidecar, and whether files that LinGen did not write may be replaced. Unless told otherwise
 * {@code out.mp4} has the sidecar {@code out.json}, or {@code out.mp4.json} if {@code out.json} belongs to something else. Immutable.
 */
public final class VideoOutput {
    private final Path video;
    private final @Nullable Path sidecar;
    private final boolean hasSidecar;
    private final boolean overwrites;

    private VideoOutput(Path video, @Nullable Path sidecar, boolean hasSidecar, boolean overwrites) {
        this.video = video;
        this.sidecar = sidecar;
        this.hasSidecar = hasSidecar;
        this.overwrites = overwrites;
    }

    /**
     * A video with a sidecar beside it, which replaces nothing but videos by LinGen.
     *
     * @param video the file to write, of a kind that {@link VideoWriters} knows
     */
    public static VideoOutput of(Path video) {
        return new VideoOutput(video, null, true, false);
    }

    /**
     * This output with a sidecar of another name.
     *
     * @throws IllegalArgumentException if it is the video itself, or has the name of a latents file
     */
    public VideoOutput withSidecar(Path file) {
        if (absolute(file).equals(absolute(video)) || file.toString().endsWith(LatentFile.ENDING)) {
            throw new IllegalArgumentException(
                    "the sidecar must be another file than the video and its latents, found " + file);
        }
        return new VideoOutput(video, file, true, overwrites);
    }

    /** This output without a sidecar. */
    public VideoOutput withoutSidecar() {
        return new VideoOutput(video, null, false, overwrites);
    }

    /** This output, replacing also a video that LinGen did not write, and any file that the sidecar's name was given to. */
    public VideoOutput overwriting() {
        return new VideoOutput(video, sidecar, hasSidecar, true);
    }

    private static Path absolute(Path path) {
        return path.toAbsolutePath().normalize();
    }

    /** The file to write. */
    public Path video() {
        return video;
    }

    /**
     * The sidecar that the video has or will have; null if none is to be written.
     *
     * @throws FileAlreadyExistsException if it would replace another file
     */
    public @Nullable Path sidecar() throws FileAlreadyExistsException {
        if (!hasSidecar) {
            return null;
        }
        if (sidecar == null) {
            return VideoFiles.sidecar(video);
        }
        if (!overwrites && !VideoFiles.isFree(sidecar) && !MetadataSidecar.isOf(sidecar, video)) {
            throw new FileAlreadyExistsException(
                    sidecar.toString(),
                    null,
                    "the sidecar must be new or that of " + video.getFileName()
                            + ", found another file; choose another name, or replace it (--overwrite)");
        }
        return sidecar;
    }

    /** Removes the sidecars of an earlier video of the same name: they do not describe this one. */
    void removeStaleSidecars() throws IOException {
        Path current = sidecar();
        for (Path file : VideoFiles.sidecars(video)) {
            if (current == null || !Files.isSameFile(file, current)) {
                Disk.remove(file);
            }
        }
    }

    /**
     * Checks that video and sidecar can be written and replace no other file.
     *
     * @throws IllegalArgumentException if the video's name has no known format
     * @throws FileAlreadyExistsException if another file would be replaced
     * @throws IOException if a folder is missing or can't be written to
     */
    public void requireWritable() throws IOException {
        VideoWriters.requireWritable(video);
        requireReplaceable();
        Path file = sidecar();
        if (file != null) {
            PartialFile.of(file).close();
        }
    }

    /**
     * Checks that video and sidecar replace no other file, without a look at folders and permissions.
     *
     * @throws FileAlreadyExistsException if another file would be replaced
     * @throws IOException if an existing file can't be looked at
     */
    public void requireReplaceable() throws IOException {
        if (!overwrites) {
            VideoFiles.requireReplaceable(video);
        }
        sidecar();
    }
}
