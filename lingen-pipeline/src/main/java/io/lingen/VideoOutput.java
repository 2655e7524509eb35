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
 * The files of a video to write: the video, its sidecar, and whether they may replace files that LinGen did not write. By default the sidecar
 * of {@code out.mp4} is {@code out.json}, or {@code out.mp4.json} if {@code out.json} belongs to another video. Immutable.
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
     * {@return an output with a sidecar that replaces only files that LinGen wrote}
     *
     * @param video the file or folder to write; its extension selects the format, see {@link VideoWriters}
     */
    public static VideoOutput of(Path video) {
        return new VideoOutput(video, null, true, false);
    }

    /**
     * {@return this output with another sidecar}
     *
     * @param file the sidecar to write
     * @throws IllegalArgumentException if it is the video, or has the extension of a latents file
     */
    public VideoOutput withSidecar(Path file) {
        if (absolute(file).equals(absolute(video)) || file.toString().endsWith(LatentFile.ENDING)) {
            throw new IllegalArgumentException(
                    "the sidecar must be another file than the video and its latents, found " + file);
        }
        return new VideoOutput(video, file, true, overwrites);
    }

    /** {@return this output without a sidecar} */
    public VideoOutput withoutSidecar() {
        return new VideoOutput(video, null, false, overwrites);
    }

    /** {@return this output with permission to replace files that LinGen did not write, and any file set by {@link #withSidecar}} */
    public VideoOutput overwriting() {
        return new VideoOutput(video, sidecar, hasSidecar, true);
    }

    private static Path absolute(Path path) {
        return path.toAbsolutePath().normalize();
    }

    /** {@return the file or folder to write} */
    public Path video() {
        return video;
    }

    /**
     * {@return the sidecar to write, or null for none}
     *
     * @throws FileAlreadyExistsException if it must not replace an existing file
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

    /** Deletes the sidecars of a replaced video, because they contain its provenance. */
    void removeStaleSidecars() throws IOException {
        Path current = sidecar();
        for (Path file : VideoFiles.sidecars(video)) {
            if (current == null || !Files.isSameFile(file, current)) {
                Disk.remove(file);
            }
        }
    }

    /**
     * Checks that video and sidecar can be written and may replace existing files.
     *
     * @throws IllegalArgumentException if the extension of the video is unknown
     * @throws FileAlreadyExistsException if an existing file must be kept
     * @throws IOException if a folder is missing or can't be written to
     */
    public void requireWritable() throws IOException {
        VideoWriters.requireWritable(video);
        PartialFile.removeAbandoned(video);
        requireReplaceable();
        Path file = sidecar();
        if (file != null) {
            PartialFile.of(file).close();
            PartialFile.removeAbandoned(file);
        }
    }

    /**
     * Checks that video and sidecar may replace existing files. Does not check folders and permissions.
     *
     * @throws FileAlreadyExistsException if an existing file must be kept
     * @throws IOException if an existing file can't be read
     */
    public void requireReplaceable() throws IOException {
        if (!overwrites) {
            VideoFiles.requireReplaceable(video);
        }
        sidecar();
    }
}
