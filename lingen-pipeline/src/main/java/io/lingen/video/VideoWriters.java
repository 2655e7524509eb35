package io.lingen.video;

import io.lingen.core.internal.PartialFile;
import io.lingen.core.internal.PartialFolder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Factory of video writers. The extension of the target selects the format: {@code .mp4} (H.264), {@code .webm} (VP9), {@code .webp} and
 * {@code .gif} (animated), or no extension for a folder of PNG frames {@code 00001.png} and so on. Case does not matter.
 *
 * <p>In every format, equal frames give equal bytes, and a video appears under its name when it is complete. Memory does not grow with the
 * length of the video, except for animated WebP, whose encoder keeps the compressed frames until the end.
 */
public final class VideoWriters {
    /** The largest size of a comment in bytes of UTF-8. Bounds the memory for reading a malicious file. */
    public static final int MAX_COMMENT_BYTES = 1 << 20;

    private VideoWriters() {}

    /**
     * Checks that the extension of a target selects a format.
     *
     * @param target the file or folder to write
     * @throws IllegalArgumentException if the extension is unknown; the message lists the known ones
     */
    public static void check(Path target) {
        VideoKind.of(target);
    }

    /**
     * Checks that the format of a target supports a video.
     *
     * @param target the file or folder to write
     * @param format the size and frame rate of the video
     * @throws IllegalArgumentException if the extension is unknown, or if width, height or frame rate are out of range or odd where they must
     *     be even
     */
    public static void check(Path target, VideoFormat format) {
        VideoKind.of(target).check(format);
    }

    /**
     * Checks that a target can be written: that its folder exists and is writable, and that an existing target can be replaced.
     *
     * @param target the file or folder to write
     * @throws IllegalArgumentException if the extension is unknown
     * @throws IOException if the target can't be written; the message contains the remedy
     */
    public static void requireWritable(Path target) throws IOException {
        if (VideoKind.of(target) == VideoKind.FRAMES) {
            PartialFolder.of(target, PngFolderWriter.FRAME).close();
        } else {
            PartialFile.of(target).close();
        }
    }

    /**
     * Opens a writer.
     *
     * @param target the file or folder to write. An existing one is replaced when the writer finishes, a folder only if it contains nothing
     *     but frames
     * @param format the size and frame rate of the video
     * @param comment the comment to store in the video, which {@link #comment} reads: at most {@value #MAX_COMMENT_BYTES} bytes in UTF-8,
     *     without zero characters; empty for none
     * @return the writer, to be closed by the caller
     * @throws IllegalArgumentException if {@link #check(Path, VideoFormat)} rejects the target, or if the comment is too long or contains a
     *     zero character
     * @throws IOException if the target can't be written
     */
    public static VideoWriter open(Path target, VideoFormat format, String comment) throws IOException {
        check(target, format);
        int bytes = comment.getBytes(StandardCharsets.UTF_8).length;
        if (bytes > MAX_COMMENT_BYTES || comment.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("comment of a video must have at most " + MAX_COMMENT_BYTES
                    + " bytes and no zero character, found " + bytes + " bytes"
                    + (comment.indexOf('\0') >= 0 ? " and a zero at character " + (comment.indexOf('\0') + 1) : ""));
        }
        return switch (VideoKind.of(target)) {
            case MP4 -> LibavWriter.open(target, LibavWriter.Container.MP4, format, comment);
            case WEBM -> LibavWriter.open(target, LibavWriter.Container.WEBM, format, comment);
            case WEBP -> LibavWriter.open(target, LibavWriter.Container.WEBP, format, comment);
            case GIF -> LibavWriter.open(target, LibavWriter.Container.GIF, format, comment);
            case FRAMES -> new PngFolderWriter(target, format, comment);
        };
    }

    /**
     * Reads the comment of a video. Detects the format by the content of the file, not by its name, and allocates memory for at most
     * {@value #MAX_COMMENT_BYTES} bytes of comment.
     *
     * @param video a file, or a folder of frames
     * @return the comment
     * @throws IOException if the file can't be read, has an unknown format, is malformed, or contains no comment
     */
    public static String comment(Path video) throws IOException {
        return VideoTag.read(video);
    }

    /**
     * Checks that a writer can be used.
     *
     * @throws IllegalStateException if it is finished or closed, or has failed
     */
    static void requireUsable(boolean usable, Path target) {
        if (!usable) {
            throw new IllegalStateException("the writer of " + target + " is finished or closed, or has failed");
        }
    }

    /** The error of a target that can't be written, with its name: the cause often contains no name, or that of a temporary file. */
    static IOException notWritten(Path target, IOException cause) {
        String reason = cause.getMessage() == null ? cause.toString() : cause.getMessage();
        return new IOException("could not write " + target + ": " + reason, cause);
    }
}
